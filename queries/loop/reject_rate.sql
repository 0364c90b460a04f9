-- title_zh: 退单与重办
-- title_en: Sent back and reopened
-- unit_zh: 比例
-- unit_en: share
-- window_zh: 近 30 日
-- window_en: last 30 days
-- days: 30
-- refresh: 60s
-- audience: leader operations
-- basis: reject: rejections of dispatches; reopen: reopenings of finishes; k and n of each
-- basis_zh: 退单：退单÷派单；重办：重办÷办结；各有 k 与 n
-- source: tickets
-- systems: 2
-- params: area board
SELECT CASE WHEN n > 0 THEN CAST(k AS DOUBLE) / CAST(n AS DOUBLE) END AS value, k, n, what
FROM (
  SELECT 1 AS ord, 'reject' AS what,
    count(*) FILTER (WHERE kind = 'reject') AS k, count(*) FILTER (WHERE kind = 'dispatch') AS n
  FROM tickets
  WHERE kind IN ('reject', 'dispatch') AND ts >= day_start(-29) AND ts < day_start(1) AND ($area IS NULL OR area = $area OR (length($area) = 6 AND substr(area, 1, 6) = $area))
  AND ($board IS NULL OR board = $board)
  UNION ALL
  SELECT 2 AS ord, 'reopen' AS what,
    count(*) FILTER (WHERE kind = 'reopen') AS k, count(*) FILTER (WHERE kind = 'finish') AS n
  FROM tickets
  WHERE kind IN ('reopen', 'finish') AND ts >= day_start(-29) AND ts < day_start(1) AND ($area IS NULL OR area = $area OR (length($area) = 6 AND substr(area, 1, 6) = $area))
  AND ($board IS NULL OR board = $board)
)
ORDER BY ord
