-- title_zh: 接送陪伴
-- title_en: Company on the way
-- unit_zh: 比例
-- unit_en: share
-- window_zh: 近 30 日
-- window_en: last 30 days
-- days: 30
-- refresh: 60s
-- audience: visitor leader operations
-- basis: k: requests for company finished with outcome ok; n: finished
-- basis_zh: 分子：办结结果为“已帮助”的陪伴需求；分母：办结的陪伴需求
-- source: tickets
-- systems: 13
SELECT CASE WHEN n > 0 THEN CAST(k AS DOUBLE) / CAST(n AS DOUBLE) END AS value, k, n
FROM (
  SELECT
    count(*) FILTER (WHERE coalesce(outcome, 'ok') = 'ok') AS k,
    count(*) AS n
  FROM tickets
  WHERE service = 'guangming' AND kind = 'finish' AND ts >= day_start(-29) AND ts < day_start(1)
)
