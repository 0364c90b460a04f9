-- title_zh: 在办漏斗
-- title_en: Open by stage
-- unit_zh: 件
-- unit_en: requests
-- window_zh: 此刻
-- window_en: now
-- refresh: 5s
-- audience: visitor leader operations
-- basis: open tickets by where they stand: waiting, sent, working; oldest_s: the one there longest
-- basis_zh: 在办工单按所处状态统计：待派、已派、办理中；oldest_s 为停留最久的一件
-- source: open_tickets
-- systems: 2
-- params: area board
SELECT s.state, coalesce(t.n, 0) AS n, t.oldest_s
FROM (VALUES (1, 'waiting'), (2, 'sent'), (3, 'working')) AS s (ord, state)
LEFT JOIN (
  SELECT state, count(*) AS n, (CAST(now() AS BIGINT) - CAST(min(since) AS BIGINT)) / 1000000 AS oldest_s
  FROM open_tickets
  WHERE ($area IS NULL OR area = $area OR (length($area) = 6 AND substr(area, 1, 6) = $area))
  AND ($board IS NULL OR board = $board)
  GROUP BY state
) t ON t.state = s.state
ORDER BY s.ord
