-- title_zh: 志愿时长
-- title_en: Volunteer hours
-- unit_zh: 小时
-- unit_en: hours
-- window_zh: 近 365 日
-- window_en: last 365 days
-- days: 365
-- refresh: 60s
-- audience: visitor leader operations
-- basis: hours and people of volunteer events that ended; requests matched; volunteers registered
-- basis_zh: 已结束的志愿活动的时数与人次；对接成功的需求数；在册志愿者人数
-- source: activities tickets devices
-- systems: 14
SELECT a.hours, a.people, a.events, t.matched, d.volunteers
FROM (
  SELECT coalesce(sum(hours), 0) AS hours, CAST(coalesce(sum(people), 0) AS BIGINT) AS people, count(*) AS events
  FROM activities
  WHERE form = 'event' AND kind = 'end' AND ts >= day_start(-364) AND ts < day_start(1)
) a
CROSS JOIN (
  SELECT count(*) AS matched FROM tickets
  WHERE service = 'volunteer' AND kind = 'finish' AND ts >= day_start(-364) AND ts < day_start(1)
) t
CROSS JOIN (
  SELECT CAST(coalesce(sum(coalesce(quantity, 1)), 0) AS BIGINT) AS volunteers
  FROM devices WHERE type = 'volunteer' AND state <> 'removed'
) d
