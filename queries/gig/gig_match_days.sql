-- title_zh: 对接时长
-- title_en: Days to a job
-- unit_zh: 天
-- unit_en: days
-- window_zh: 近 30 日上岗
-- window_en: hired in the last 30 days
-- days: 30
-- refresh: 1h
-- audience: visitor leader operations
-- basis: from registering to the job, of people hired; the article tells of 2 days
-- basis_zh: 从登记到上岗的时间，以已上岗的人计；报道所载为 2 天
-- source: tickets
-- systems: 11
-- target: 2
SELECT CASE WHEN n >= 10 THEN p50 END AS p50, CASE WHEN n >= 10 THEN p90 END AS p90, n
FROM (
  SELECT approx_percentile_cont(CAST(elapsed_s AS DOUBLE), 0.5) / 86400.0 AS p50,
    approx_percentile_cont(CAST(elapsed_s AS DOUBLE), 0.9) / 86400.0 AS p90, count(elapsed_s) AS n
  FROM tickets
  WHERE service = 'gig' AND kind = 'finish' AND side = 'seek' AND coalesce(outcome, 'ok') = 'ok'
    AND ts >= day_start(-29) AND ts < day_start(1)
)
