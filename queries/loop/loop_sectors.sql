-- title_zh: 派向三方
-- title_en: Sent to whom
-- unit_zh: 件
-- unit_en: requests
-- window_zh: 今日
-- window_en: today
-- refresh: 30s
-- audience: visitor leader operations
-- basis: tickets sent to government, market or society since midnight
-- basis_zh: 今日零时起派向政府、市场、社会的工单
-- source: tickets
-- systems: 5
-- params: area
SELECT s.sector, coalesce(t.n, 0) AS n
FROM (VALUES (1, 'gov'), (2, 'market'), (3, 'social')) AS s (ord, sector)
LEFT JOIN (
  SELECT sector, count(*) AS n
  FROM tickets
  WHERE kind = 'dispatch' AND sector IS NOT NULL AND ts >= day_start() AND ts < day_start(1)
    AND ($area IS NULL OR area = $area OR (length($area) = 6 AND substr(area, 1, 6) = $area))
  GROUP BY sector
) t ON t.sector = s.sector
ORDER BY s.ord
