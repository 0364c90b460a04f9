-- title_zh: 接通率
-- title_en: Connect rate
-- unit_zh: 比例
-- unit_en: share
-- window_zh: 24 小时 / 今日 / 15 分钟
-- window_en: 24 h / today / 15 min
-- refresh: 5s
-- audience: leader operations
-- basis: k: answered; n: answered or abandoned, of valid contacts whose wait ended in the window
-- basis_zh: 分子：接起；分母：接起或放弃；仅计有效、且等待在时段内结束的接触
-- source: contacts
-- systems: 1
-- target: 0.95
-- params: line
SELECT w.period, w.k, w.n, CASE WHEN w.n > 0 THEN CAST(w.k AS DOUBLE) / CAST(w.n AS DOUBLE) END AS value
FROM (
  SELECT p.ord, p.period,
    CASE p.ord WHEN 1 THEN k24 WHEN 2 THEN k_today ELSE k15 END AS k,
    CASE p.ord WHEN 1 THEN n24 WHEN 2 THEN n_today ELSE n15 END AS n
  FROM (
    SELECT
      count(*) FILTER (WHERE kind = 'answer' AND ts >= now() - INTERVAL '24 hours') AS k24,
      count(*) FILTER (WHERE ts >= now() - INTERVAL '24 hours') AS n24,
      count(*) FILTER (WHERE kind = 'answer' AND ts >= day_start()) AS k_today,
      count(*) FILTER (WHERE ts >= day_start()) AS n_today,
      count(*) FILTER (WHERE kind = 'answer' AND ts >= now() - INTERVAL '15 minutes') AS k15,
      count(*) FILTER (WHERE ts >= now() - INTERVAL '15 minutes') AS n15
    FROM contacts
    WHERE kind IN ('answer', 'abandon') AND coalesce(valid, true)
      AND (ts >= now() - INTERVAL '24 hours' OR ts >= day_start())
      AND ($line IS NULL OR line = $line)
  ) c
  CROSS JOIN (VALUES (1, '24h'), (2, 'today'), (3, '15min')) AS p (ord, period)
) w
ORDER BY w.ord
