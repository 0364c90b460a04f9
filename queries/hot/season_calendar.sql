-- title_zh: 未诉先办
-- title_en: Ahead of complaint
-- unit_zh: 件
-- unit_en: requests
-- window_zh: 一年前的此后 30 天
-- window_en: the 30 days after this day a year ago
-- refresh: 1h
-- audience: leader operations
-- basis: tickets opened by group of topics in the 30 days that followed this date a year ago: what to prepare for
-- basis_zh: 去年此日之后 30 天内受理的工单，按事项分组统计，供未诉先办
-- source: tickets
-- systems: 2
SELECT t.topic, coalesce(d.zh, t.topic) AS zh, coalesce(d.en, t.topic) AS en, t.n
FROM (
  SELECT split_part(replace(topic, '.', '/'), '/', 1) AS topic, count(*) AS n
  FROM tickets
  WHERE kind = 'open' AND topic IS NOT NULL AND ts >= day_start(-365) AND ts < day_start(-335)
  GROUP BY 1
) t
LEFT JOIN topics d ON d.code = t.topic
ORDER BY t.n DESC, t.topic
LIMIT 20
