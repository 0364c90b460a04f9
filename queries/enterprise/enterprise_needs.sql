-- title_zh: 企业诉求分类
-- title_en: What firms need
-- unit_zh: 件
-- unit_en: requests
-- window_zh: 近 30 日
-- window_en: last 30 days
-- days: 30
-- refresh: 60s
-- audience: visitor leader operations
-- basis: tickets of firms opened by topic
-- basis_zh: 企业受理工单，按事项统计
-- source: tickets
-- systems: 15,18
SELECT t.topic, coalesce(d.zh, t.topic) AS zh, coalesce(d.en, t.topic) AS en, t.n
FROM (
  SELECT topic, count(*) AS n
  FROM tickets
  WHERE service IN ('enterprise', 'finance', 'live') AND kind = 'open' AND topic IS NOT NULL AND ts >= day_start(-29) AND ts < day_start(1)
  GROUP BY topic
) t
LEFT JOIN topics d ON d.code = t.topic
ORDER BY t.n DESC, t.topic
LIMIT 20
