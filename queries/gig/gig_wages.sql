-- title_zh: 薪酬
-- title_en: Wages by trade
-- unit_zh: 元/月
-- unit_en: yuan a month
-- window_zh: 近 90 日
-- window_en: last 90 days
-- days: 90
-- refresh: 1h
-- audience: visitor leader operations
-- basis: median and quartiles of the monthly pay agreed on finishing; trades with fewer than 10 are left out
-- basis_zh: 办结时约定月薪的中位数与上下四分位；不足 10 例的工种不列
-- source: tickets
-- systems: 11
SELECT t.item AS trade, coalesce(i.zh, t.item) AS zh, coalesce(i.en, t.item) AS en, t.p25, t.p50, t.p75, t.n
FROM (
  SELECT item, approx_percentile_cont(amount, 0.25) AS p25, approx_percentile_cont(amount, 0.5) AS p50,
    approx_percentile_cont(amount, 0.75) AS p75, count(amount) AS n
  FROM tickets
  WHERE service = 'gig' AND kind = 'finish' AND amount > 0 AND item IS NOT NULL AND ts >= day_start(-89) AND ts < day_start(1)
  GROUP BY item
) t
LEFT JOIN items i ON i.code = t.item
WHERE t.n >= 10
ORDER BY t.p50 DESC, t.item
