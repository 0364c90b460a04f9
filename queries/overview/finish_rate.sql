-- title_zh: 办结率
-- title_en: Finished of those due
-- unit_zh: 比例
-- unit_en: share
-- window_zh: 到期日在今日或之前
-- window_en: due today or earlier
-- refresh: 60s
-- audience: visitor leader operations
-- basis: k: tickets finished and not reopened; n: k and the open ones; all due by the end of today (basis due)
-- basis_zh: 分子：已办结且未重办的工单；分母：分子＋在办工单；均以今日及以前到期的为限（按到期计）
-- source: tickets open_tickets
-- systems: 2
-- target: 1
-- params: area board
SELECT CASE WHEN n > 0 THEN CAST(k AS DOUBLE) / CAST(n AS DOUBLE) END AS value, k, n
FROM (
  SELECT f.k, f.k + o.n AS n
  FROM (
    SELECT CAST(coalesce(sum(CASE kind WHEN 'finish' THEN 1 WHEN 'reopen' THEN -1 ELSE 0 END), 0) AS BIGINT) AS k
    FROM tickets
    WHERE kind IN ('finish', 'reopen') AND due < day_start(1)
      AND ($area IS NULL OR area = $area OR (length($area) = 6 AND substr(area, 1, 6) = $area))
      AND ($board IS NULL OR board = $board)
  ) f
  CROSS JOIN (
    SELECT count(*) AS n
    FROM open_tickets
    WHERE due < day_start(1)
      AND ($area IS NULL OR area = $area OR (length($area) = 6 AND substr(area, 1, 6) = $area))
      AND ($board IS NULL OR board = $board)
  ) o
)
