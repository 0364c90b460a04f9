-- title_zh: 四类服务
-- title_en: Four boards
-- unit_zh: 件
-- unit_en: requests
-- window_zh: 今日，对比上周同日同一时刻
-- window_en: today, against the same day last week by this time
-- refresh: 5s
-- audience: visitor leader operations
-- basis: tickets opened by board of the city file
-- basis_zh: 按城市文件所列板块统计的受理件数
-- source: tickets
-- systems: 2,9,14,15
-- params: area
SELECT b.code AS board, coalesce(t.n, 0) AS n, coalesce(t.last_week, 0) AS last_week
FROM boards b
LEFT JOIN (
  SELECT board,
    count(*) FILTER (WHERE ts >= day_start()) AS n,
    count(*) FILTER (WHERE ts < now() - INTERVAL '7 days') AS last_week
  FROM tickets
  WHERE kind = 'open' AND ts >= day_start(-7) AND ts < day_start(1) AND (ts < day_start(-6) OR ts >= day_start())
    AND ($area IS NULL OR area = $area OR (length($area) = 6 AND substr(area, 1, 6) = $area))
  GROUP BY board
) t ON t.board = b.code
ORDER BY b.ord
