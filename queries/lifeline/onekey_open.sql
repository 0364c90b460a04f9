-- title_zh: 救援中
-- title_en: Help on the way
-- unit_zh: 起
-- unit_en: calls for help
-- window_zh: 此刻
-- window_en: now
-- refresh: 200ms
-- audience: operations
-- basis: one-key tickets open now, oldest first, by step; seconds since the call
-- basis_zh: 此刻在办的一键通工单，最早的在前，注明所到环节与呼叫后的秒数
-- source: open_tickets
-- systems: 12
SELECT id, area, state, prio, opened_at, (CAST(now() AS BIGINT) - CAST(opened_at AS BIGINT)) / 1000000 AS age_s
FROM open_tickets
WHERE service = 'onekey'
ORDER BY opened_at, id
LIMIT 30
