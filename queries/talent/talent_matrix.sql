-- title_zh: 层次×六类服务
-- title_en: Tier by service
-- unit_zh: 件
-- unit_en: requests
-- window_zh: 近 90 日
-- window_en: last 90 days
-- days: 90
-- refresh: 5min
-- audience: visitor leader operations
-- basis: talent tickets opened by tier and one-to-one service; cells below 10 are null (k-anonymity), also in the sum
-- basis_zh: 受理的人才工单，按层次与六类一对一服务统计；不足 10 的格不列（k 匿名），也不计入合计
-- source: tickets
-- systems: 19,20
SELECT tier, item, coalesce(i.zh, item) AS item_zh, coalesce(i.en, item) AS item_en, CASE WHEN n >= 10 THEN n END AS n
FROM (
  SELECT tier, item, count(*) AS n
  FROM tickets
  WHERE service = 'talent' AND kind = 'open' AND tier IS NOT NULL AND item IS NOT NULL AND ts >= day_start(-89) AND ts < day_start(1)
  GROUP BY tier, item
) t
LEFT JOIN items i ON i.code = t.item
ORDER BY tier, item
