-- title_zh: 应用板块
-- title_en: Modules
-- unit_zh: 次
-- unit_en: uses
-- window_zh: 今日与近 7 日
-- window_en: today and 7 days
-- refresh: 10s
-- audience: visitor leader operations
-- basis: contacts and tickets that name a module of the platform; n is null where none did in 7 days; last_ts is the latest of them
-- basis_zh: 注明平台应用的接触与工单；近 7 日没有任何一条的应用为空；last_ts 为近 7 日内最近一条的时间
-- source: contacts tickets
-- systems: 18
SELECT m.code AS module, m.zh, m.en, CASE WHEN t.week > 0 THEN t.n END AS n, coalesce(t.week, 0) AS week, t.last_ts
FROM modules m
LEFT JOIN (
  SELECT module, CAST(sum(n) AS BIGINT) AS n, CAST(sum(week) AS BIGINT) AS week, max(last_ts) AS last_ts
  FROM (
    SELECT module, count(*) FILTER (WHERE ts >= day_start()) AS n, count(*) AS week, max(ts) AS last_ts
    FROM contacts
    WHERE kind = 'arrive' AND module IS NOT NULL AND ts >= day_start(-6) AND ts < day_start(1)
    GROUP BY module
    UNION ALL
    SELECT module, count(*) FILTER (WHERE ts >= day_start()) AS n, count(*) AS week, max(ts) AS last_ts
    FROM tickets
    WHERE kind = 'open' AND module IS NOT NULL AND ts >= day_start(-6) AND ts < day_start(1)
    GROUP BY module
  )
  GROUP BY module
) t ON t.module = m.code
ORDER BY m.ord
