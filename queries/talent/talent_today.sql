-- title_zh: 今日接触
-- title_en: Talent line today
-- unit_zh: 次
-- unit_en: contacts
-- window_zh: 今日
-- window_en: today
-- refresh: 30s
-- audience: visitor leader operations
-- basis: contacts of the talent line by all channels, and talent tickets opened, finished and visited since midnight
-- basis_zh: 今日零时起人才专线各渠道的接触，及人才工单的受理、办结与回访
-- source: contacts tickets
-- systems: 19
SELECT c.calls, t.opened, t.finished, t.visited
FROM (
  SELECT count(*) AS calls FROM contacts
  WHERE service = 'talent' AND kind = 'arrive' AND ts >= day_start() AND ts < day_start(1)
) c
CROSS JOIN (
  SELECT count(*) FILTER (WHERE kind = 'open') AS opened,
    count(*) FILTER (WHERE kind = 'finish') AS finished,
    count(*) FILTER (WHERE kind = 'visit') AS visited
  FROM tickets
  WHERE service = 'talent' AND ts >= day_start() AND ts < day_start(1)
) t
