-- title_zh: 受理曲线
-- title_en: Opened through the day
-- unit_zh: 件/15 分钟
-- unit_en: requests per 15 min
-- window_zh: 今日与上周同日
-- window_en: today and the same day last week
-- refresh: 5s
-- audience: visitor leader operations
-- basis: tickets opened in each quarter of an hour; today is null after now
-- basis_zh: 每 15 分钟受理的工单件数；今日在此刻之后没有数值
-- source: tickets
-- systems: 1,2
-- params: area board
SELECT m.minute,
  CASE WHEN m.minute <= date_part('hour', local_time(now())) * 60 + date_part('minute', local_time(now())) THEN coalesce(t.today, 0) END AS today,
  coalesce(t.last_week, 0) AS last_week
FROM (SELECT value AS minute FROM generate_series(0, 1425, 15)) m
LEFT JOIN (
  SELECT CAST(date_part('hour', local_time(ts)) * 60 + floor(date_part('minute', local_time(ts)) / 15) * 15 AS BIGINT) AS minute,
    count(*) FILTER (WHERE ts >= day_start()) AS today,
    count(*) FILTER (WHERE ts < day_start(-6)) AS last_week
  FROM tickets
  WHERE kind = 'open' AND ts >= day_start(-7) AND ts < day_start(1) AND (ts < day_start(-6) OR ts >= day_start())
    AND ($area IS NULL OR area = $area OR (length($area) = 6 AND substr(area, 1, 6) = $area))
  AND ($board IS NULL OR board = $board)
  GROUP BY 1
) t ON t.minute = m.minute
ORDER BY m.minute
