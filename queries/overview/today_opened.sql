-- title_zh: 今日受理
-- title_en: Opened today
-- unit_zh: 件
-- unit_en: requests
-- window_zh: 今日，对比昨日同一时刻
-- window_en: today, against yesterday at this time
-- refresh: 200ms
-- audience: visitor leader operations
-- basis: tickets with an event open since midnight; yesterday: up to this time of day
-- basis_zh: 今日零时起受理的工单件数；昨日截至同一时刻
-- source: tickets
-- systems: 1,2
-- params: area board
SELECT
  count(*) FILTER (WHERE ts >= day_start()) AS value,
  count(*) FILTER (WHERE ts < now() - INTERVAL '1 day') AS yesterday
FROM tickets
WHERE kind = 'open' AND ts >= day_start(-1) AND ts < day_start(1)
  AND ($area IS NULL OR area = $area OR (length($area) = 6 AND substr(area, 1, 6) = $area))
  AND ($board IS NULL OR board = $board)
