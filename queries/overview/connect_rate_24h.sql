-- title_zh: 接通率
-- title_en: Connect rate
-- unit_zh: 比例
-- unit_en: share
-- window_zh: 任意连续 24 小时
-- window_en: rolling 24 h
-- refresh: 5s
-- audience: visitor leader operations
-- basis: k: answered; n: answered or abandoned, of valid contacts whose wait ended in the window (GB/T 33358)
-- basis_zh: 分子：接起的接触；分母：接起＋放弃；仅计有效、且等待在时段内结束的接触（GB/T 33358）
-- source: contacts
-- systems: 1
-- target: 0.95
SELECT CASE WHEN n > 0 THEN CAST(k AS DOUBLE) / CAST(n AS DOUBLE) END AS value, k, n
FROM (
  SELECT
    count(*) FILTER (WHERE kind = 'answer') AS k,
    count(*) AS n
  FROM contacts
  WHERE kind IN ('answer', 'abandon') AND coalesce(valid, true) AND ts >= now() - INTERVAL '24 hours'
)
