-- title_zh: 热点诉求
-- title_en: Hot topics
-- unit_zh: 件
-- unit_en: requests
-- window_zh: 近 1 小时
-- window_en: last hour
-- days: 8
-- refresh: 10s
-- audience: visitor leader operations
-- basis: tickets opened by topic; expected: the mean of the same hour 1, 2 and 7 days ago; lift = n / expected, null where nothing was expected (new, once there are 8 days of data)
-- basis_zh: 按事项统计的受理件数；通常值＝1、2、7 天前同一小时的平均；倍数＝件数÷通常值，通常值为 0 时不计
-- source: tickets
-- systems: 2,23
-- params: area board
SELECT
  row_number() OVER (ORDER BY t.n DESC, t.topic) AS rank,
  t.topic,
  coalesce(d.zh, t.topic) AS zh,
  coalesce(d.en, t.topic) AS en,
  t.board,
  t.n,
  t.before / 3.0 AS expected,
  CASE WHEN t.before > 0 THEN t.n * 3.0 / t.before END AS lift
FROM (
  SELECT topic, min(board) AS board,
    count(*) FILTER (WHERE ts >= now() - INTERVAL '1 hour') AS n,
    count(*) FILTER (WHERE ts < now() - INTERVAL '1 day') AS before
  FROM tickets
  WHERE kind = 'open' AND topic IS NOT NULL AND (
      ts >= now() - INTERVAL '1 hour'
      OR (ts >= now() - INTERVAL '25 hours' AND ts < now() - INTERVAL '24 hours')
      OR (ts >= now() - INTERVAL '49 hours' AND ts < now() - INTERVAL '48 hours')
      OR (ts >= now() - INTERVAL '169 hours' AND ts < now() - INTERVAL '168 hours'))
    AND ($area IS NULL OR area = $area OR (length($area) = 6 AND substr(area, 1, 6) = $area))
  AND ($board IS NULL OR board = $board)
  GROUP BY topic
) t
LEFT JOIN topics d ON d.code = t.topic
WHERE t.n > 0
ORDER BY t.n DESC, t.topic
LIMIT 20
