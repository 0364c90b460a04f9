-- title_zh: 满意度分布
-- title_en: Ratings
-- unit_zh: 件
-- unit_en: ratings
-- window_zh: 近 30 日
-- window_en: last 30 days
-- days: 30
-- refresh: 60s
-- audience: visitor leader operations
-- basis: ratings 1 to 5 of tickets; never only the mean
-- basis_zh: 工单评价 1 至 5 分的分布，不只给平均分
-- source: tickets
-- systems: 2
-- params: area board
SELECT r.rating, coalesce(t.n, 0) AS n
FROM (SELECT value AS rating FROM generate_series(1, 5)) r
LEFT JOIN (
  SELECT rating, count(*) AS n
  FROM tickets
  WHERE kind = 'rate' AND rating IS NOT NULL AND ts >= day_start(-29) AND ts < day_start(1)
    AND ($area IS NULL OR area = $area OR (length($area) = 6 AND substr(area, 1, 6) = $area))
  AND ($board IS NULL OR board = $board)
  GROUP BY rating
) t ON t.rating = r.rating
ORDER BY r.rating DESC
