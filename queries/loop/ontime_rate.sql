-- title_zh: 按时办结率
-- title_en: Finished by due
-- unit_zh: 比例
-- unit_en: share
-- window_zh: 到期日在近 30 日
-- window_en: due in the last 30 days
-- days: 30
-- refresh: 60s
-- audience: visitor leader operations
-- basis: k: finished by due; n: all tickets due in the window, finished or still open (basis due: nothing is hidden by leaving it open)
-- basis_zh: 分子：期限内办结；分母：时段内到期的全部工单，含办结与在办（按到期计：拖着不办也计入）
-- source: tickets open_tickets
-- systems: 2
-- params: area board from to
-- note: the one file to copy from for rates by due date; a reopened ticket counts once
SELECT CASE WHEN n > 0 THEN CAST(k AS DOUBLE) / CAST(n AS DOUBLE) END AS value, k, n
FROM (
  SELECT f.k, f.finished + o.n AS n
  FROM (
    SELECT CAST(coalesce(sum(CASE WHEN ts > due THEN 0 WHEN kind = 'finish' THEN 1 ELSE -1 END), 0) AS BIGINT) AS k, CAST(coalesce(sum(CASE kind WHEN 'finish' THEN 1 WHEN 'reopen' THEN -1 ELSE 0 END), 0) AS BIGINT) AS finished
    FROM tickets
    WHERE kind IN ('finish', 'reopen') AND due >= coalesce($from, day_start(-29)) AND due < coalesce($to, day_start(1))
      AND ($area IS NULL OR area = $area OR (length($area) = 6 AND substr(area, 1, 6) = $area))
      AND ($board IS NULL OR board = $board)
  ) f
  CROSS JOIN (
    SELECT count(*) AS n
    FROM open_tickets
    WHERE due >= coalesce($from, day_start(-29)) AND due < coalesce($to, day_start(1))
      AND ($area IS NULL OR area = $area OR (length($area) = 6 AND substr(area, 1, 6) = $area))
      AND ($board IS NULL OR board = $board)
  ) o
)
