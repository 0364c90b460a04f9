-- title_zh: 流转用时
-- title_en: Time at the department
-- unit_zh: 分钟
-- unit_en: minutes
-- window_zh: 今日办结的流转咨询
-- window_en: enquiries sent on and finished today
-- refresh: 60s
-- audience: visitor leader operations
-- basis: from the first dispatch to the finish, of enquiries finished today that had been sent to a unit; yesterday by this time
-- basis_zh: 今日办结、曾派往单位的咨询，从首次派单到办结的时间；昨日截至同一时刻
-- source: tickets
-- systems: 4
-- target: 80
-- params: area
SELECT
  avg(since_dispatch_s) FILTER (WHERE ts >= day_start()) / 60.0 AS mean,
  approx_percentile_cont(since_dispatch_s, 0.5) FILTER (WHERE ts >= day_start()) / 60.0 AS p50,
  approx_percentile_cont(since_dispatch_s, 0.9) FILTER (WHERE ts >= day_start()) / 60.0 AS p90,
  count(since_dispatch_s) FILTER (WHERE ts >= day_start()) AS n,
  avg(since_dispatch_s) FILTER (WHERE ts < now() - INTERVAL '1 day') / 60.0 AS yesterday_mean
FROM (
  SELECT ts, CAST(since_dispatch_s AS DOUBLE) AS since_dispatch_s
  FROM tickets
  WHERE service = 'ask' AND kind = 'finish' AND since_dispatch_s >= 0 AND ts >= day_start(-1) AND ts < day_start(1)
    AND ($area IS NULL OR area = $area OR (length($area) = 6 AND substr(area, 1, 6) = $area))
)
