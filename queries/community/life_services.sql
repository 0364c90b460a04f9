-- title_zh: 生活服务排行
-- title_en: Home services
-- unit_zh: 单
-- unit_en: orders
-- window_zh: 近 7 日
-- window_en: last 7 days
-- days: 7
-- refresh: 30s
-- audience: visitor leader operations
-- basis: orders sent to member firms by service
-- basis_zh: 派给加盟企业的订单数，按服务统计
-- source: tickets
-- systems: 9
SELECT t.item, coalesce(i.zh, d.zh, t.item) AS zh, coalesce(i.en, d.en, t.item) AS en, t.n
FROM (
  SELECT coalesce(item, topic) AS item, count(*) AS n
  FROM tickets
  WHERE service = 'life' AND kind = 'dispatch' AND coalesce(item, topic) IS NOT NULL AND ts >= day_start(-6) AND ts < day_start(1)
  GROUP BY 1
) t
LEFT JOIN items i ON i.code = t.item
LEFT JOIN topics d ON d.code = t.item
ORDER BY t.n DESC, t.item
LIMIT 10
