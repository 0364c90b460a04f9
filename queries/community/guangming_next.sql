-- title_zh: 下一场活动
-- title_en: Next event
-- unit_zh: 
-- unit_en: 
-- window_zh: 今后
-- window_en: from now on
-- refresh: 60s
-- audience: visitor leader operations
-- basis: the next planned events of the club
-- basis_zh: 俱乐部已排定、尚未开始的活动
-- source: activities
-- systems: 13
SELECT n.id, n.starts_at, n.area, coalesce(a.zh, n.area) AS area_zh, coalesce(a.en, n.area) AS area_en
FROM (
  SELECT id, max(starts_at) AS starts_at, max(area) AS area
  FROM activities
  WHERE form = 'event' AND service = 'guangming' AND kind IN ('plan', 'start', 'end') AND ts >= day_start(-90)
  GROUP BY id
  HAVING count(*) FILTER (WHERE kind <> 'plan') = 0 AND max(starts_at) >= now()
) n
LEFT JOIN areas a ON a.code = n.area
ORDER BY n.starts_at, n.id
LIMIT 3
