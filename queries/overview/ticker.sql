-- title_zh: 正在发生
-- title_en: Happening now
-- unit_zh: 
-- unit_en: 
-- window_zh: 最新 20 条
-- window_en: latest 20
-- refresh: 200ms
-- audience: visitor leader operations
-- basis: latest openings, dispatches, finishes and ratings; requests to be kept secret are left out
-- basis_zh: 最近的受理、派单、办结、评价；要求保密的不列
-- source: tickets
-- systems: 5,23
-- params: area board
SELECT t.ts, t.area, coalesce(a.zh, t.area) AS area_zh, coalesce(a.en, t.area) AS area_en, t.board,
  coalesce(s.zh, t.service) AS service_zh, coalesce(s.en, t.service) AS service_en,
  t.topic, coalesce(d.zh, t.topic) AS topic_zh, coalesce(d.en, t.topic) AS topic_en,
  t.kind, t.elapsed_s AS seconds, coalesce(t.demo, false) AS demo
FROM (
  SELECT ts, seq, area, board, service, topic, kind, elapsed_s, demo
  FROM tickets
  WHERE kind IN ('open', 'dispatch', 'finish', 'rate') AND NOT coalesce(secret, false)
    AND ($area IS NULL OR area = $area OR (length($area) = 6 AND substr(area, 1, 6) = $area))
  AND ($board IS NULL OR board = $board)
  ORDER BY ts DESC, seq DESC
  LIMIT 20
) t
LEFT JOIN areas a ON a.code = t.area
LEFT JOIN services s ON s.code = t.service
LEFT JOIN topics d ON d.code = t.topic
ORDER BY t.ts DESC, t.seq DESC
