-- title_zh: 最近质检
-- title_en: Latest calls inspected
-- unit_zh: 分
-- unit_en: of 100
-- window_zh: 最近 240 通
-- window_en: latest 240 calls
-- refresh: 1s
-- audience: visitor leader operations
-- basis: score of each of the latest inspected calls, oldest first, and whether a violation was found; no call, caller or seat is named
-- basis_zh: 最近逐通质检的得分，旧者在前，及是否发现违规；不含通话、来电人与坐席的信息
-- source: contacts
-- systems: 22
SELECT t.score, CASE WHEN t.violation = 'none' THEN 'clean' WHEN t.violation IS NOT NULL THEN 'violation' END AS finding
FROM (
  SELECT ts, seq, score, violation
  FROM contacts
  WHERE kind = 'inspect'
  ORDER BY ts DESC, seq DESC
  LIMIT 240
) t
ORDER BY t.ts, t.seq
