-- title_zh: e企播累计
-- title_en: e-Live in all
-- unit_zh: 场
-- unit_en: sessions
-- window_zh: 开播以来
-- window_en: since the first stream
-- refresh: 60s
-- audience: visitor leader operations
-- basis: sessions, policies and viewers: opening balances of the city file plus streams that ended here
-- basis_zh: 场次、政策与观看人次：城市文件所列期初数＋本系统计入的已结束直播
-- source: activities baseline
-- systems: 16
SELECT coalesce(b.sessions, 0) + c.sessions AS sessions, coalesce(b.policies, 0) + c.policies AS policies,
  coalesce(b.viewers, 0) + c.viewers AS viewers, c.sessions AS counted
FROM (
  SELECT count(*) AS sessions, CAST(coalesce(sum(policies), 0) AS BIGINT) AS policies,
    CAST(coalesce(sum(people), 0) AS BIGINT) AS viewers
  FROM activities
  WHERE form = 'live' AND kind = 'end'
) c
CROSS JOIN (
  SELECT CAST(sum(value) FILTER (WHERE metric = 'live_sessions') AS BIGINT) AS sessions,
    CAST(sum(value) FILTER (WHERE metric = 'live_policies') AS BIGINT) AS policies,
    CAST(sum(value) FILTER (WHERE metric = 'live_viewers') AS BIGINT) AS viewers
  FROM baseline
) b
