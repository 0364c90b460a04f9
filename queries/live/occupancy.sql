-- title_zh: 坐席利用率
-- title_en: Occupancy
-- unit_zh: 比例
-- unit_en: share
-- window_zh: 近 15 分钟
-- window_en: last 15 min
-- refresh: 15s
-- audience: leader operations
-- basis: k: seconds in talk and wrap; n: those and ready, of states that ended in the window
-- basis_zh: 分子：通话与话后的秒数；分母：分子＋示闲的秒数；仅计在时段内结束的状态
-- source: seats
-- systems: 1
-- target: 0.85
SELECT CASE WHEN n > 0 THEN CAST(k AS DOUBLE) / CAST(n AS DOUBLE) END AS value, k, n
FROM (
  SELECT
    CAST(coalesce(sum(stage_s) FILTER (WHERE prev_state IN ('ring', 'talk', 'wrap')), 0) AS BIGINT) AS k,
    CAST(coalesce(sum(stage_s), 0) AS BIGINT) AS n
  FROM seats
  WHERE prev_state IN ('ready', 'ring', 'talk', 'wrap') AND ts >= now() - INTERVAL '15 minutes'
)
