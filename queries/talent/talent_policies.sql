-- title_zh: 政策库
-- title_en: Policies
-- unit_zh: 条
-- unit_en: policies
-- window_zh: 此刻与近 30 日
-- window_en: now and 30 days
-- refresh: 1h
-- audience: visitor leader operations
-- basis: policies in the register, those added in 30 days, and those past their date
-- basis_zh: 台账中的政策、近 30 日新增的与已过期的
-- source: devices registry
-- systems: 19,21
SELECT s.stock, s.expired, a.added
FROM (
  SELECT CAST(coalesce(sum(coalesce(quantity, 1)), 0) AS BIGINT) AS stock,
    CAST(coalesce(sum(coalesce(quantity, 1)) FILTER (WHERE expires_at < now()), 0) AS BIGINT) AS expired
  FROM devices
  WHERE type = 'policy' AND state <> 'removed'
) s
CROSS JOIN (
  SELECT count(*) AS added FROM registry
  WHERE type = 'policy' AND kind = 'add' AND ts >= day_start(-29) AND ts < day_start(1)
) a
