-- title_zh: 公共预警
-- title_en: Public warnings
-- unit_zh: 
-- unit_en: 
-- window_zh: 近48小时
-- window_en: last 48 h
-- refresh: 5s
-- audience: visitor leader operations
-- basis: weather warnings and incidents in the legal four colours, newest first
-- source: signals
-- systems: 23
SELECT ts, kind, colour, severity, area, note, coalesce(demo, false) AS demo
FROM signals
WHERE kind IN ('weather', 'incident') AND ts >= now() - INTERVAL '48 hours'
ORDER BY ts DESC, seq DESC
LIMIT 20
