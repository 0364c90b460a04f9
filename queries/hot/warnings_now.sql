-- title_zh: 公共预警
-- title_en: Public warnings
-- unit_zh: 
-- unit_en: 
-- window_zh: 近 48 小时
-- window_en: last 48 h
-- refresh: 5s
-- audience: visitor leader operations
-- basis: weather warnings and incidents in the legal four colours, newest first
-- basis_zh: 天气预警与突发事件，按法定四色，最新的在前
-- source: signals
-- systems: 23
SELECT ts, kind, colour, severity, area, note, coalesce(demo, false) AS demo
FROM signals
WHERE kind IN ('weather', 'incident') AND ts >= now() - INTERVAL '48 hours'
ORDER BY ts DESC, seq DESC
LIMIT 20
