-- title_zh: 一键通接起
-- title_en: One-key calls answered
-- unit_zh: 比例
-- unit_en: share
-- window_zh: 今日
-- window_en: today
-- refresh: 5s
-- audience: leader operations
-- basis: k: answered within 60 s; n: one-key contacts answered or abandoned; p95 of the wait in seconds
-- basis_zh: 分子：60 秒内接起；分母：接起或放弃的一键通接触；另列等待的 95 分位秒数
-- source: contacts
-- systems: 12
-- target: 0.975
SELECT CASE WHEN n > 0 THEN CAST(k AS DOUBLE) / CAST(n AS DOUBLE) END AS value, k, n, p95_s
FROM (
  SELECT
    count(*) FILTER (WHERE kind = 'answer' AND coalesce(wait_s, 0) <= 60) AS k,
    count(*) AS n,
    approx_percentile_cont(CAST(coalesce(wait_s, 0) AS DOUBLE), 0.95) FILTER (WHERE kind = 'answer') AS p95_s
  FROM contacts
  WHERE channel = 'onekey' AND kind IN ('answer', 'abandon') AND ts >= day_start() AND ts < day_start(1)
)
