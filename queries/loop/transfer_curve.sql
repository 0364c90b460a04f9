-- title_zh: 流转用时走势
-- title_en: Time at the department by day
-- unit_zh: 分钟
-- unit_en: minutes
-- window_zh: 近 30 日
-- window_en: last 30 days
-- days: 30
-- refresh: 60s
-- audience: leader operations
-- basis: from the first dispatch to the finish, of enquiries finished that day; against the 80 minutes of the article
-- basis_zh: 当日办结的咨询从首次派单到办结的时间；对照报道所载 80 分钟
-- source: tickets
-- systems: 4
-- target: 80
SELECT CAST(day AS DATE) AS day, mean, p50, p90, n
FROM (
  SELECT date_trunc('day', local_time(ts)) AS day,
    avg(CAST(since_dispatch_s AS DOUBLE)) / 60.0 AS mean,
    approx_percentile_cont(CAST(since_dispatch_s AS DOUBLE), 0.5) / 60.0 AS p50,
    approx_percentile_cont(CAST(since_dispatch_s AS DOUBLE), 0.9) / 60.0 AS p90,
    count(since_dispatch_s) AS n
  FROM tickets
  WHERE service = 'ask' AND kind = 'finish' AND since_dispatch_s >= 0 AND ts >= day_start(-29) AND ts < day_start(1)
  GROUP BY 1
)
ORDER BY day
