-- title_zh: 光明俱乐部活动
-- title_en: Guangming club
-- unit_zh: 场
-- unit_en: events
-- window_zh: 近 365 日
-- window_en: last 365 days
-- days: 365
-- refresh: 60s
-- audience: visitor leader operations
-- basis: events of the club for the blind that ended in the last 365 days: sessions, people, volunteer hours
-- basis_zh: 光明俱乐部近 365 日结束的活动：场次、人次、志愿时数
-- source: activities
-- systems: 13
SELECT count(*) AS events, CAST(coalesce(sum(people), 0) AS BIGINT) AS people, coalesce(sum(hours), 0) AS hours
FROM activities
WHERE form = 'event' AND service = 'guangming' AND kind = 'end' AND ts >= day_start(-364) AND ts < day_start(1)
