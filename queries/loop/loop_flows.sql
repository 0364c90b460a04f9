-- title_zh: 点派评流向
-- title_en: Flows of the loop
-- unit_zh: 件
-- unit_en: requests
-- window_zh: 今日
-- window_en: today
-- refresh: 30s
-- audience: visitor leader operations
-- basis: from channel to whom it was sent (tickets dispatched today), and from there to the rating (tickets rated today)
-- basis_zh: 从哪个渠道来、派给哪一方（今日派单的工单），再到如何评价（今日评价的工单）
-- source: tickets
-- systems: 5
SELECT stage, source, target, n
FROM (
  SELECT 1 AS stage, coalesce(channel, 'other') AS source, sector AS target, count(*) AS n
  FROM tickets
  WHERE kind = 'dispatch' AND sector IS NOT NULL AND ts >= day_start() AND ts < day_start(1)
  GROUP BY coalesce(channel, 'other'), sector
  UNION ALL
  SELECT 2 AS stage, coalesce(board, 'other') AS source, CAST(rating AS VARCHAR) AS target, count(*) AS n
  FROM tickets
  WHERE kind = 'rate' AND rating IS NOT NULL AND ts >= day_start() AND ts < day_start(1)
  GROUP BY coalesce(board, 'other'), CAST(rating AS VARCHAR)
)
ORDER BY stage, n DESC, source, target
