-- title_zh: 整合热线
-- title_en: Lines merged into one
-- unit_zh: 条
-- unit_en: lines
-- window_zh: 此刻
-- window_en: now
-- refresh: 60s
-- audience: visitor leader operations
-- basis: lines registered and not removed; where none is registered, those of the city file
-- basis_zh: 在册（登记且未注销）的专线；没有登记时取城市文件所列专线
-- source: devices
-- systems: 7
SELECT coalesce(nullif(r.n, 0), l.n) AS value
FROM (SELECT count(*) AS n FROM devices WHERE type = 'line' AND state <> 'removed') r
CROSS JOIN (SELECT count(*) AS n FROM lines) l
