-- title_zh: 今日对接
-- title_en: Matched today
-- unit_zh: 人
-- unit_en: matches
-- window_zh: 今日，对比昨日同一时刻
-- window_en: today, against yesterday at this time
-- refresh: 30s
-- audience: visitor leader operations
-- basis: people looking for work whose ticket finished with outcome ok since midnight
-- basis_zh: 今日零时起工单办结、结果为成功的求职者
-- source: tickets
-- systems: 11
SELECT
  count(*) FILTER (WHERE ts >= day_start()) AS value,
  count(*) FILTER (WHERE ts < now() - INTERVAL '1 day') AS yesterday
FROM tickets
WHERE service = 'gig' AND kind = 'finish' AND side = 'seek' AND coalesce(outcome, 'ok') = 'ok'
  AND ts >= day_start(-1) AND ts < day_start(1)
