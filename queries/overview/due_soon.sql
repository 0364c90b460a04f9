-- title_zh: 临期与超期
-- title_en: Due soon and overdue
-- unit_zh: 件
-- unit_en: requests
-- window_zh: 24 小时内到期 / 已超期
-- window_en: due within 24 h / already late
-- refresh: 1s
-- audience: leader operations
-- basis: open tickets with a due date: value is due within 24 hours, overdue is past due
-- basis_zh: 有期限的在办工单：24 小时内到期；另列已超期
-- source: open_tickets
-- systems: 2
-- params: area board
SELECT
  count(*) FILTER (WHERE due >= now() AND due <= now() + INTERVAL '24 hours') AS value,
  count(*) FILTER (WHERE due < now()) AS overdue
FROM open_tickets
WHERE ($area IS NULL OR area = $area OR (length($area) = 6 AND substr(area, 1, 6) = $area))
  AND ($board IS NULL OR board = $board)
