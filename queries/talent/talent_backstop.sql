-- title_zh: 兜底
-- title_en: Backstop by the talent office
-- unit_zh: 件
-- unit_en: requests
-- window_zh: 近 30 日
-- window_en: last 30 days
-- days: 30
-- refresh: 60s
-- audience: visitor leader operations
-- basis: talent tickets escalated to the talent office
-- basis_zh: 升级到人才办兜底的人才工单
-- source: tickets
-- systems: 19
SELECT count(*) AS value, count(*) FILTER (WHERE ts >= day_start()) AS today
FROM tickets
WHERE service = 'talent' AND kind = 'escalate' AND ts >= day_start(-29) AND ts < day_start(1)
