-- title_zh: 四类服务走势
-- title_en: Boards through the day
-- unit_zh: 件/小时
-- unit_en: requests per hour
-- window_zh: 今日，逐小时
-- window_en: today by the hour
-- refresh: 10s
-- audience: visitor leader operations
-- basis: tickets opened in each hour since midnight, by board
-- basis_zh: 今日零时起各板块每小时受理的工单件数
-- source: tickets
-- systems: 2,9,14,15
-- params: area
SELECT b.code AS board, h.minute, coalesce(t.n, 0) AS n
FROM boards b
CROSS JOIN (
  SELECT value AS minute FROM generate_series(0, 1380, 60)
  WHERE value <= date_part('hour', local_time(now())) * 60 + date_part('minute', local_time(now()))
) h
LEFT JOIN (
  SELECT board, CAST(date_part('hour', local_time(ts)) * 60 AS BIGINT) AS minute, count(*) AS n
  FROM tickets
  WHERE kind = 'open' AND ts >= day_start() AND ts < day_start(1)
    AND ($area IS NULL OR area = $area OR (length($area) = 6 AND substr(area, 1, 6) = $area))
  GROUP BY 1, 2
) t ON t.board = b.code AND t.minute = h.minute
ORDER BY b.ord, h.minute
