-- title_zh: 诉求类型
-- title_en: Kinds of request
-- unit_zh: 件
-- unit_en: requests
-- window_zh: 今日
-- window_en: today
-- refresh: 30s
-- audience: visitor leader operations
-- basis: tickets opened since midnight by type: ask, help, complain, report, suggest, praise, other
-- basis_zh: 今日零时起受理的工单按类型统计：咨询、求助、投诉、举报、建议、表扬、其他
-- source: tickets
-- systems: 2
-- params: area board
SELECT coalesce(type, 'other') AS type, count(*) AS n
FROM tickets
WHERE kind = 'open' AND ts >= day_start() AND ts < day_start(1)
  AND ($area IS NULL OR area = $area OR (length($area) = 6 AND substr(area, 1, 6) = $area))
  AND ($board IS NULL OR board = $board)
GROUP BY 1
ORDER BY n DESC, 1
