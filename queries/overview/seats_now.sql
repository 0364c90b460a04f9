-- title_zh: 坐席状态
-- title_en: Seats
-- unit_zh: 席
-- unit_en: seats
-- window_zh: 此刻
-- window_en: now
-- refresh: 200ms
-- audience: leader operations
-- basis: seats by their latest state; logged-out ones are left out
-- source: seat_state
-- systems: 1
SELECT state, count(*) AS n
FROM seat_state
WHERE state <> 'logout'
GROUP BY state
ORDER BY n DESC, state
