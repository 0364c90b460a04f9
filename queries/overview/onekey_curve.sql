-- title_zh: 一键通走势
-- title_en: One-key calls through the day
-- unit_zh: 次/15 分钟
-- unit_en: calls per 15 min
-- window_zh: 今日
-- window_en: today
-- refresh: 5s
-- audience: visitor leader operations
-- basis: one-key contacts in each quarter of an hour since midnight
-- basis_zh: 今日零时起每 15 分钟一键通接触次数
-- source: contacts
-- systems: 12
SELECT m.minute, coalesce(t.n, 0) AS n
FROM (
  SELECT value AS minute FROM generate_series(0, 1425, 15)
  WHERE value <= date_part('hour', local_time(now())) * 60 + date_part('minute', local_time(now()))
) m
LEFT JOIN (
  SELECT CAST(date_part('hour', local_time(ts)) * 60 + floor(date_part('minute', local_time(ts)) / 15) * 15 AS BIGINT) AS minute, count(*) AS n
  FROM contacts
  WHERE kind = 'arrive' AND channel = 'onekey' AND ts >= day_start() AND ts < day_start(1)
  GROUP BY 1
) t ON t.minute = m.minute
ORDER BY m.minute
