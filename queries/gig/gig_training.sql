-- title_zh: 培训
-- title_en: Training
-- unit_zh: 人次
-- unit_en: people
-- window_zh: 近 30 日
-- window_en: last 30 days
-- days: 30
-- refresh: 1h
-- audience: visitor leader operations
-- basis: people at courses that ended, and hours, by day
-- basis_zh: 已结束课程的人次与时数，按日统计
-- source: activities
-- systems: 11
SELECT CAST(day AS DATE) AS day, courses, people, hours
FROM (
  SELECT date_trunc('day', local_time(ts)) AS day, count(*) AS courses,
    CAST(coalesce(sum(people), 0) AS BIGINT) AS people, coalesce(sum(hours), 0) AS hours
  FROM activities
  WHERE form = 'course' AND kind = 'end' AND ts >= day_start(-29) AND ts < day_start(1)
  GROUP BY 1
)
ORDER BY day
