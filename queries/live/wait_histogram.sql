-- title_zh: 等待分布
-- title_en: How long people waited
-- unit_zh: 次
-- unit_en: calls
-- window_zh: 今日
-- window_en: today
-- refresh: 15s
-- audience: leader operations
-- basis: answered and abandoned contacts by time waited
-- basis_zh: 接起与放弃的接触，按等待时长统计
-- source: contacts
-- systems: 1
SELECT b.from_s, b.to_s, coalesce(t.answered, 0) AS answered, coalesce(t.abandoned, 0) AS abandoned
FROM (VALUES (0, 5), (5, 10), (10, 15), (15, 20), (20, 30), (30, 60), (60, 120), (120, 300), (300, NULL)) AS b (from_s, to_s)
LEFT JOIN (
  SELECT CASE WHEN wait_s < 5 THEN 0 WHEN wait_s < 10 THEN 5 WHEN wait_s < 15 THEN 10 WHEN wait_s < 20 THEN 15
      WHEN wait_s < 30 THEN 20 WHEN wait_s < 60 THEN 30 WHEN wait_s < 120 THEN 60 WHEN wait_s < 300 THEN 120 ELSE 300 END AS from_s,
    count(*) FILTER (WHERE kind = 'answer') AS answered,
    count(*) FILTER (WHERE kind = 'abandon') AS abandoned
  FROM contacts
  WHERE kind IN ('answer', 'abandon') AND wait_s IS NOT NULL AND ts >= day_start() AND ts < day_start(1)
  GROUP BY 1
) t ON t.from_s = b.from_s
ORDER BY b.from_s
