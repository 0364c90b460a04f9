-- title_zh: 在办
-- title_en: Open now
-- unit_zh: 件
-- unit_en: requests
-- window_zh: 此刻
-- window_en: now
-- refresh: 200ms
-- audience: visitor leader operations
-- basis: tickets waiting, sent or working: the sum of open_delta over all events
-- basis_zh: 待派、已派、办理中的工单件数（open_delta 之和）
-- source: tickets
-- systems: 2
-- params: area board
SELECT CAST(coalesce(sum(open_delta), 0) AS BIGINT) AS value
FROM tickets
WHERE ($area IS NULL OR area = $area OR (length($area) = 6 AND substr(area, 1, 6) = $area))
  AND ($board IS NULL OR board = $board)
