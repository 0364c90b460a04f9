-- title_zh: 漏接回拨率
-- title_en: Missed calls called back
-- unit_zh: 比例
-- unit_en: share
-- window_zh: 今日
-- window_en: today
-- refresh: 60s
-- audience: leader operations
-- basis: k: callbacks made since midnight; n: contacts abandoned since midnight
-- basis_zh: 分子：今日零时起的回拨；分母：今日零时起放弃的接触
-- source: contacts
-- systems: 1
SELECT CASE WHEN n > 0 THEN CAST(k AS DOUBLE) / CAST(n AS DOUBLE) END AS value, k, n
FROM (
  SELECT
    count(*) FILTER (WHERE kind = 'callback') AS k,
    count(*) FILTER (WHERE kind = 'abandon') AS n
  FROM contacts
  WHERE kind IN ('callback', 'abandon') AND coalesce(valid, true) AND ts >= day_start() AND ts < day_start(1)
)
