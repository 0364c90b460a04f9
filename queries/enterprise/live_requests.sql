-- title_zh: 直播转诉求
-- title_en: Requests from streams
-- unit_zh: 件
-- unit_en: requests
-- window_zh: 近 30 日
-- window_en: last 30 days
-- days: 30
-- refresh: 60s
-- audience: leader operations
-- basis: tickets opened that came from a live session
-- basis_zh: 由直播场次转来的受理工单
-- source: tickets
-- systems: 16
SELECT CAST(coalesce(sum(n), 0) AS BIGINT) AS opened, count(related) AS sessions
FROM (
  SELECT related, count(*) AS n
  FROM tickets
  WHERE service = 'live' AND kind = 'open' AND ts >= day_start(-29) AND ts < day_start(1)
  GROUP BY related
)
