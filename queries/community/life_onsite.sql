-- title_zh: 上门用时
-- title_en: At the door
-- unit_zh: 分钟
-- unit_en: minutes
-- window_zh: 近 7 日
-- window_en: last 7 days
-- days: 7
-- refresh: 60s
-- audience: visitor leader operations
-- basis: from the firm's accepting to being on site; k of n within 60 minutes
-- basis_zh: 从企业签收到上门的时间；其中 60 分钟内上门的件数 k 与样本 n
-- source: tickets
-- systems: 9
SELECT p50, p90, CASE WHEN n > 0 THEN CAST(k AS DOUBLE) / CAST(n AS DOUBLE) END AS value, k, n
FROM (
  SELECT approx_percentile_cont(CAST(stage_s AS DOUBLE), 0.5) / 60.0 AS p50,
    approx_percentile_cont(CAST(stage_s AS DOUBLE), 0.9) / 60.0 AS p90,
    count(*) FILTER (WHERE stage_s <= 3600) AS k, count(stage_s) AS n
  FROM tickets
  WHERE service = 'life' AND kind = 'onsite' AND ts >= day_start(-6) AND ts < day_start(1)
)
