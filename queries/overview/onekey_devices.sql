-- title_zh: 一键通守护
-- title_en: One-key phones on watch
-- unit_zh: 部
-- unit_en: phones
-- window_zh: 此刻
-- window_en: now
-- refresh: 5s
-- audience: visitor leader operations
-- basis: phones registered and not removed; online of them; where none is registered, the city file's opening balance
-- basis_zh: 在册、在网终端数；没有登记时取城市文件期初数
-- source: devices baseline
-- systems: 12
SELECT d.online, coalesce(nullif(d.installed, 0), b.value) AS installed
FROM (
  SELECT
    CAST(coalesce(sum(coalesce(quantity, 1)) FILTER (WHERE state = 'online'), 0) AS BIGINT) AS online,
    CAST(coalesce(sum(coalesce(quantity, 1)) FILTER (WHERE state <> 'removed'), 0) AS BIGINT) AS installed
  FROM devices
  WHERE type = 'device'
) d
CROSS JOIN (SELECT CAST(sum(value) AS BIGINT) AS value FROM baseline WHERE metric = 'onekey_installed') b
