-- title_zh: 15 秒接通率
-- title_en: Answered within 15 s
-- unit_zh: 比例
-- unit_en: share
-- window_zh: 今日与近 15 分钟
-- window_en: today and 15 min
-- refresh: 5s
-- audience: leader operations
-- basis: k: answered within 15 s of queueing; n: calls answered or abandoned (basis offered); answered: the other usual basis
-- basis_zh: 分子：排队 15 秒内接起；分母：接起或放弃的来电（按呼入计）；另列通常的另一口径：以接起计
-- source: contacts
-- systems: 1
-- target: 0.8
-- params: line
SELECT
  CASE WHEN n > 0 THEN CAST(k AS DOUBLE) / CAST(n AS DOUBLE) END AS value, k, n, answered,
  CASE WHEN n_15min > 0 THEN CAST(k_15min AS DOUBLE) / CAST(n_15min AS DOUBLE) END AS value_15min, k_15min, n_15min
FROM (
  SELECT
    count(*) FILTER (WHERE kind = 'answer' AND wait_s <= 15 AND ts >= day_start()) AS k,
    count(*) FILTER (WHERE ts >= day_start()) AS n,
    count(*) FILTER (WHERE kind = 'answer' AND ts >= day_start()) AS answered,
    count(*) FILTER (WHERE kind = 'answer' AND wait_s <= 15 AND ts >= now() - INTERVAL '15 minutes') AS k_15min,
    count(*) FILTER (WHERE ts >= now() - INTERVAL '15 minutes') AS n_15min
  FROM contacts
  WHERE kind IN ('answer', 'abandon') AND coalesce(valid, true)
    AND (ts >= day_start() OR ts >= now() - INTERVAL '15 minutes')
    AND ($line IS NULL OR line = $line)
)
