-- title_zh: 工种供需
-- title_en: Supply and demand by trade
-- unit_zh: 个
-- unit_en: posts, seekers
-- window_zh: 近 30 日
-- window_en: last 30 days
-- days: 30
-- refresh: 5min
-- audience: visitor leader operations
-- basis: gig tickets opened by trade: hiring against looking
-- basis_zh: 受理的零工工单按工种统计：在招与在找
-- source: tickets
-- systems: 11
SELECT t.item AS trade, coalesce(i.zh, t.item) AS zh, coalesce(i.en, t.item) AS en, t.hiring, t.seeking
FROM (
  SELECT item, count(*) FILTER (WHERE side = 'hire') AS hiring, count(*) FILTER (WHERE side = 'seek') AS seeking
  FROM tickets
  WHERE service = 'gig' AND kind = 'open' AND item IS NOT NULL AND ts >= day_start(-29) AND ts < day_start(1)
  GROUP BY item
) t
LEFT JOIN items i ON i.code = t.item
ORDER BY t.hiring + t.seeking DESC, t.item
