-- title_zh: 全量质检
-- title_en: Every call inspected
-- unit_zh: 比例
-- unit_en: share
-- window_zh: 今日
-- window_en: today
-- refresh: 30s
-- audience: visitor leader operations
-- basis: k: calls inspected; n: calls ended since midnight; mean score today and over the 30 days before
-- basis_zh: 分子：已质检的通话；分母：今日零时起结束的通话；今日与此前 30 日的均分
-- source: contacts
-- systems: 22
SELECT CASE WHEN n > 0 THEN CAST(k AS DOUBLE) / CAST(n AS DOUBLE) END AS value, k, n, mean_score, mean_score_before
FROM (
  SELECT
    count(*) FILTER (WHERE kind = 'inspect' AND ts >= day_start()) AS k,
    count(*) FILTER (WHERE kind = 'end' AND ts >= day_start()) AS n,
    avg(score) FILTER (WHERE kind = 'inspect' AND ts >= day_start()) AS mean_score,
    avg(score) FILTER (WHERE kind = 'inspect' AND ts < day_start()) AS mean_score_before
  FROM contacts
  WHERE kind IN ('inspect', 'end') AND ts >= day_start(-30) AND ts < day_start(1)
)
