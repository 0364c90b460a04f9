-- title_zh: 四类服务
-- title_en: Four boards
-- unit_zh: 件
-- unit_en: requests
-- window_zh: 今日,对比昨日同一时刻
-- window_en: today, against yesterday at this time
-- refresh: 5s
-- audience: visitor leader operations
-- basis: tickets opened by board of the city file
-- source: tickets
-- systems: 2,9,14,15
-- params: area
SELECT b.code AS board, coalesce(t.n, 0) AS n, coalesce(t.yesterday, 0) AS yesterday
FROM boards b
LEFT JOIN (
  SELECT board,
    count(*) FILTER (WHERE ts >= day_start()) AS n,
    count(*) FILTER (WHERE ts < now() - INTERVAL '1 day') AS yesterday
  FROM tickets
  WHERE kind = 'open' AND ts >= day_start(-1) AND ts < day_start(1)
    AND ($area IS NULL OR area = $area OR (length($area) = 6 AND substr(area, 1, 6) = $area))
  GROUP BY board
) t ON t.board = b.code
ORDER BY b.ord
