-- title_zh: 人才标签库
-- title_en: Talent by tier
-- unit_zh: 人
-- unit_en: people
-- window_zh: 此刻
-- window_en: now
-- refresh: 1h
-- audience: visitor leader operations
-- basis: people in the talent register by tier, and how many have tags
-- basis_zh: 人才台账中各层次的人数，及其中有标签的人数
-- source: devices
-- systems: 20
SELECT coalesce(grade, 'untagged') AS tier, CAST(sum(coalesce(quantity, 1)) AS BIGINT) AS n,
  CAST(coalesce(sum(coalesce(quantity, 1)) FILTER (WHERE tags IS NOT NULL), 0) AS BIGINT) AS tagged
FROM devices
WHERE type = 'talent' AND state <> 'removed'
GROUP BY 1
ORDER BY n DESC, tier
