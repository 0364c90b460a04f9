-- title_zh: 排班
-- title_en: Roster
-- unit_zh: 席
-- unit_en: seats
-- window_zh: 今日，逐 15 分钟
-- window_en: today by 15 min
-- refresh: 60s
-- audience: operations
-- basis: seats planned for each quarter of an hour of today, from planned shifts
-- basis_zh: 今日每 15 分钟的排班席数，取自排定的班次
-- source: seats
-- systems: 1
SELECT m.minute, coalesce(CAST(sum(p.n) AS BIGINT), 0) AS planned
FROM (SELECT value AS minute FROM generate_series(0, 1425, 15)) m
LEFT JOIN (
  SELECT
    CASE WHEN starts_at < day_start() THEN -1
      ELSE CAST(date_part('hour', local_time(starts_at)) * 60 + date_part('minute', local_time(starts_at)) AS BIGINT) END AS start_minute,
    CASE WHEN ends_at >= day_start(1) THEN 1440
      ELSE CAST(date_part('hour', local_time(ends_at)) * 60 + date_part('minute', local_time(ends_at)) AS BIGINT) END AS end_minute,
    n
  FROM (
    SELECT starts_at, ends_at, count(DISTINCT seat) AS n
    FROM seats
    WHERE kind = 'plan' AND starts_at < day_start(1) AND ends_at > day_start()
    GROUP BY starts_at, ends_at
  )
) p ON p.start_minute <= m.minute AND p.end_minute > m.minute
GROUP BY m.minute
ORDER BY m.minute
