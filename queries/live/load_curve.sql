-- title_zh: 话务曲线
-- title_en: Calls through the day
-- unit_zh: 次/15 分钟
-- unit_en: calls per 15 min
-- window_zh: 今日与上周同日
-- window_en: today and the same day last week
-- refresh: 5s
-- audience: leader operations
-- basis: calls arrived in each quarter of an hour; answered of them; today is null after now
-- basis_zh: 每 15 分钟到达的来电及其中接起的；今日在此刻之后没有数值
-- source: contacts
-- systems: 1
SELECT m.minute,
  CASE WHEN m.minute <= date_part('hour', local_time(now())) * 60 + date_part('minute', local_time(now())) THEN coalesce(t.today, 0) END AS today,
  CASE WHEN m.minute <= date_part('hour', local_time(now())) * 60 + date_part('minute', local_time(now())) THEN coalesce(t.answered, 0) END AS answered,
  coalesce(t.last_week, 0) AS last_week
FROM (SELECT value AS minute FROM generate_series(0, 1425, 15)) m
LEFT JOIN (
  SELECT CAST(date_part('hour', local_time(ts)) * 60 + floor(date_part('minute', local_time(ts)) / 15) * 15 AS BIGINT) AS minute,
    count(*) FILTER (WHERE kind = 'arrive' AND ts >= day_start()) AS today,
    count(*) FILTER (WHERE kind = 'answer' AND ts >= day_start()) AS answered,
    count(*) FILTER (WHERE kind = 'arrive' AND ts < day_start(-6)) AS last_week
  FROM contacts
  WHERE kind IN ('arrive', 'answer') AND coalesce(valid, true)
    AND ts >= day_start(-7) AND ts < day_start(1) AND (ts < day_start(-6) OR ts >= day_start())
  GROUP BY 1
) t ON t.minute = m.minute
ORDER BY m.minute
