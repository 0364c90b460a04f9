-- title_zh: 知识库
-- title_en: Knowledge base
-- unit_zh: 条
-- unit_en: entries
-- window_zh: 此刻与今日
-- window_en: now and today
-- refresh: 10min
-- audience: leader operations
-- basis: entries in stock, past their date, and changes since midnight
-- basis_zh: 在库条目、已过期条目，以及今日零时起的变动
-- source: devices registry
-- systems: 21
SELECT s.stock, s.expired, c.added, c.updated, c.removed
FROM (
  SELECT CAST(coalesce(sum(coalesce(quantity, 1)), 0) AS BIGINT) AS stock,
    CAST(coalesce(sum(coalesce(quantity, 1)) FILTER (WHERE expires_at < now()), 0) AS BIGINT) AS expired
  FROM devices
  WHERE type = 'kb' AND state <> 'removed'
) s
CROSS JOIN (
  SELECT count(*) FILTER (WHERE kind = 'add') AS added, count(*) FILTER (WHERE kind = 'update') AS updated,
    count(*) FILTER (WHERE kind = 'remove') AS removed
  FROM registry
  WHERE type = 'kb' AND ts >= day_start() AND ts < day_start(1)
) c
