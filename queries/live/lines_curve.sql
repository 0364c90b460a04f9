-- title_zh: 各专线话务曲线
-- title_en: Calls by line through the day
-- unit_zh: 次/30 分钟
-- unit_en: calls per 30 min
-- window_zh: 今日与上周同日
-- window_en: today and the same day last week
-- refresh: 5s
-- audience: visitor leader operations
-- basis: calls arrived by line in each half hour, lines in the city's order; today is null after now
-- basis_zh: 各专线每 30 分钟到达的来电，按城市文件的专线次序；今日在此刻之后没有数值
-- source: contacts
-- systems: 7
WITH t AS (
  SELECT line,
    CAST(date_part('hour', local_time(ts)) * 60 + floor(date_part('minute', local_time(ts)) / 30) * 30 AS BIGINT) AS minute,
    count(*) FILTER (WHERE ts >= day_start()) AS today,
    count(*) FILTER (WHERE ts < day_start(-6)) AS last_week
  FROM contacts
  WHERE kind = 'arrive' AND line IS NOT NULL AND coalesce(valid, true)
    AND ts >= day_start(-7) AND ts < day_start(1) AND (ts < day_start(-6) OR ts >= day_start())
  GROUP BY 1, 2
)
SELECT c.line, coalesce(l.zh, c.line) AS zh, coalesce(l.en, c.line) AS en, m.minute,
  CASE WHEN m.minute <= date_part('hour', local_time(now())) * 60 + date_part('minute', local_time(now())) THEN coalesce(t.today, 0) END AS today,
  coalesce(t.last_week, 0) AS last_week
FROM (SELECT line FROM t GROUP BY line HAVING sum(today) + sum(last_week) > 0) c
CROSS JOIN (SELECT value AS minute FROM generate_series(0, 1410, 30)) m
LEFT JOIN t ON t.line = c.line AND t.minute = m.minute
LEFT JOIN lines l ON l.code = c.line
ORDER BY coalesce(l.ord, 1000000), c.line, m.minute
