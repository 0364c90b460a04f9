-- title_zh: 直播转诉求
-- title_en: Requests from streams
-- unit_zh: 件
-- unit_en: requests
-- window_zh: 近30日
-- window_en: last 30 days
-- refresh: 60s
-- audience: leader operations
-- basis: tickets opened that came from a live session
-- source: tickets
-- systems: 16
SELECT count(*) AS opened, count(DISTINCT related) AS sessions
FROM tickets
WHERE service = 'live' AND kind = 'open' AND ts >= day_start(-29) AND ts < day_start(1)
