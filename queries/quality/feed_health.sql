-- title_zh: 数据新鲜度
-- title_en: Feed health
-- unit_zh: 秒
-- unit_en: seconds
-- window_zh: 此刻
-- window_en: now
-- refresh: 1s
-- audience: leader operations
-- basis: age: time since the latest event of each source, as everywhere; last_recv: when it last sent; rows it sent, and those in quarantine
-- basis_zh: 数据年龄：距各来源最近一条事件的时间，处处同此；last_recv：最近一次发来的时间；发来的行数与被隔离的行数
-- source: feeds quarantine
-- systems: 23
SELECT f.src, f.last_ts, f.last_recv, (CAST(now() AS BIGINT) - CAST(f.last_ts AS BIGINT)) / 1000000 AS age_s, f.rows,
  coalesce(q.n, 0) AS quarantined
FROM feeds f
LEFT JOIN (SELECT src, count(*) AS n FROM quarantine GROUP BY src) q ON q.src = f.src
ORDER BY f.src
