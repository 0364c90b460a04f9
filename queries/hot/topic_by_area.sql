-- title_zh: 主题×区县
-- title_en: Topic by district
-- unit_zh: 件
-- unit_en: requests
-- window_zh: 近 24 小时
-- window_en: last 24 h
-- refresh: 60s
-- audience: visitor leader operations
-- basis: tickets opened by group of topics and district
-- basis_zh: 受理的工单，按事项分组与区县统计
-- source: tickets
-- systems: 2
SELECT t.topic, coalesce(d.zh, t.topic) AS topic_zh, coalesce(d.en, t.topic) AS topic_en,
  t.area, coalesce(a.zh, t.area) AS area_zh, coalesce(a.en, t.area) AS area_en, t.n
FROM (
  SELECT split_part(replace(topic, '.', '/'), '/', 1) AS topic, area, count(*) AS n
  FROM tickets
  WHERE kind = 'open' AND topic IS NOT NULL AND area IS NOT NULL AND ts >= now() - INTERVAL '24 hours'
  GROUP BY 1, 2
) t
LEFT JOIN topics d ON d.code = t.topic
LEFT JOIN areas a ON a.code = t.area
ORDER BY t.n DESC, t.topic, t.area
LIMIT 400
