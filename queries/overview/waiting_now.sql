-- title_zh: 排队
-- title_en: Waiting
-- unit_zh: 人
-- unit_en: people
-- window_zh: 此刻
-- window_en: now
-- refresh: 200ms
-- audience: visitor leader operations
-- basis: contacts in the queue, and how long the first of them has waited; null when nobody waits
-- basis_zh: 正在排队的接触数，及队首已等待的秒数；无人排队时没有数值
-- source: waiting
-- systems: 1
SELECT count(*) AS n, (CAST(now() AS BIGINT) - CAST(min(since) AS BIGINT)) / 1000000 AS longest_s
FROM waiting
