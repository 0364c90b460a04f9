-- title_zh: 重复诉求率
-- title_en: Asked again
-- unit_zh: 比例
-- unit_en: share
-- window_zh: 近 30 日
-- window_en: last 30 days
-- days: 30
-- refresh: 5min
-- audience: leader operations
-- basis: k: tickets beyond the first of the same caller and topic in the window; n: tickets with a caller
-- basis_zh: 分子：时段内同一来电人同一事项第二件起的工单；分母：有来电人标识的工单
-- source: tickets
-- systems: 2
-- params: area board
SELECT CASE WHEN n > 0 THEN CAST(k AS DOUBLE) / CAST(n AS DOUBLE) END AS value, k, n
FROM (
  SELECT CAST(coalesce(sum(n - 1), 0) AS BIGINT) AS k, CAST(coalesce(sum(n), 0) AS BIGINT) AS n
  FROM (
    SELECT caller, topic, count(*) AS n
    FROM tickets
    WHERE kind = 'open' AND caller IS NOT NULL AND ts >= day_start(-29) AND ts < day_start(1)
      AND ($area IS NULL OR area = $area OR (length($area) = 6 AND substr(area, 1, 6) = $area))
  AND ($board IS NULL OR board = $board)
    GROUP BY caller, topic
  )
)
