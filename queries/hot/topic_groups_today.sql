-- title_zh: 事项分组
-- title_en: Groups of topics
-- unit_zh: 件
-- unit_en: requests
-- window_zh: 今日，对比昨日同一时刻
-- window_en: today, against yesterday at this time
-- refresh: 60s
-- audience: visitor leader operations
-- basis: tickets opened by the first part of the topic code
-- basis_zh: 受理的工单，按事项代码第一段统计
-- source: tickets
-- systems: 2
-- params: area board
SELECT t.topic, coalesce(d.zh, t.topic) AS zh, coalesce(d.en, t.topic) AS en, t.n, t.yesterday
FROM (
  SELECT split_part(replace(topic, '.', '/'), '/', 1) AS topic,
    count(*) FILTER (WHERE ts >= day_start()) AS n,
    count(*) FILTER (WHERE ts < now() - INTERVAL '1 day') AS yesterday
  FROM tickets
  WHERE kind = 'open' AND topic IS NOT NULL AND ts >= day_start(-1) AND ts < day_start(1)
    AND ($area IS NULL OR area = $area OR (length($area) = 6 AND substr(area, 1, 6) = $area))
  AND ($board IS NULL OR board = $board)
  GROUP BY 1
) t
LEFT JOIN topics d ON d.code = t.topic
ORDER BY t.n DESC, t.topic
LIMIT 30
