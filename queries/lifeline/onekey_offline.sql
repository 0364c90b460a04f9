-- title_zh: 离线设备
-- title_en: Phones offline
-- unit_zh: 部
-- unit_en: phones
-- window_zh: 此刻
-- window_en: now
-- refresh: 60s
-- audience: leader operations
-- basis: one-key phones by district: installed, offline, offline for more than 24 hours
-- basis_zh: 各区一键通终端：已安装、离线、离线超过 24 小时
-- source: devices
-- systems: 12
SELECT d.area, coalesce(a.zh, d.area) AS zh, coalesce(a.en, d.area) AS en, d.installed, d.offline, d.offline_24h
FROM (
  SELECT area,
    CAST(coalesce(sum(coalesce(quantity, 1)) FILTER (WHERE state <> 'removed'), 0) AS BIGINT) AS installed,
    CAST(coalesce(sum(coalesce(quantity, 1)) FILTER (WHERE state = 'offline'), 0) AS BIGINT) AS offline,
    CAST(coalesce(sum(coalesce(quantity, 1)) FILTER (WHERE state = 'offline' AND since < now() - INTERVAL '24 hours'), 0) AS BIGINT) AS offline_24h
  FROM devices
  WHERE type = 'device'
  GROUP BY area
) d
LEFT JOIN areas a ON a.code = d.area
ORDER BY a.ord NULLS LAST, d.area
