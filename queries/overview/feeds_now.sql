-- title_zh: 数据来源
-- title_en: Feeds
-- unit_zh: 
-- unit_en: 
-- window_zh: 此刻
-- window_en: now
-- refresh: 1s
-- audience: visitor leader operations
-- basis: time since the latest event of each source
-- basis_zh: 距各来源最近一条事件的时间
-- source: feeds
-- systems: 23
SELECT src, last_ts, (CAST(now() AS BIGINT) - CAST(last_ts AS BIGINT)) / 1000000 AS age_s
FROM feeds
ORDER BY src
