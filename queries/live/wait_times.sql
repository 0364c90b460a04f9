-- title_zh: 等待时长
-- title_en: Waiting time
-- unit_zh: 秒
-- unit_en: seconds
-- window_zh: 近 1 小时
-- window_en: last hour
-- refresh: 15s
-- audience: leader operations
-- basis: wait of answered contacts: mean, median, 90 %, longest
-- basis_zh: 接起的接触的等待时长：平均、中位、90 分位、最长
-- source: contacts
-- systems: 1
-- params: line
SELECT avg(CAST(wait_s AS DOUBLE)) AS mean,
  approx_percentile_cont(CAST(wait_s AS DOUBLE), 0.5) AS p50,
  approx_percentile_cont(CAST(wait_s AS DOUBLE), 0.9) AS p90,
  max(wait_s) AS longest, count(wait_s) AS n
FROM contacts
WHERE kind = 'answer' AND ts >= now() - INTERVAL '1 hour'
  AND ($line IS NULL OR line = $line)
