-- title_zh: 坐席状态
-- title_en: Seats
-- unit_zh: 席
-- unit_en: seats
-- window_zh: 此刻
-- window_en: now
-- refresh: 200ms
-- audience: leader operations
-- basis: seats by their latest state; logged-out ones are left out
-- basis_zh: 按最新状态统计的坐席数，不含离线（已签出）的坐席
-- source: seat_state
-- systems: 1
SELECT state, count(*) AS n
FROM seat_state
WHERE state <> 'logout'
GROUP BY state
ORDER BY n DESC, state
