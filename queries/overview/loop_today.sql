-- title_zh: 点·派·评
-- title_en: Ask, send, rate
-- unit_zh: 件
-- unit_en: events
-- window_zh: 今日
-- window_en: today
-- refresh: 200ms
-- audience: visitor leader operations
-- basis: events of each stage of the loop since midnight
-- basis_zh: 今日零时起各环节发生的事件数
-- source: tickets
-- systems: 5
-- params: area board
SELECT s.stage, coalesce(t.n, 0) AS n
FROM (VALUES (1, 'open'), (2, 'dispatch'), (3, 'accept'), (4, 'finish'), (5, 'visit'), (6, 'rate')) AS s (ord, stage)
LEFT JOIN (
  SELECT kind, count(*) AS n
  FROM tickets
  WHERE kind IN ('open', 'dispatch', 'accept', 'finish', 'visit', 'rate') AND ts >= day_start() AND ts < day_start(1)
    AND ($area IS NULL OR area = $area OR (length($area) = 6 AND substr(area, 1, 6) = $area))
  AND ($board IS NULL OR board = $board)
  GROUP BY kind
) t ON t.kind = s.stage
ORDER BY s.ord
