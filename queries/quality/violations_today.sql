-- title_zh: 违规
-- title_en: Violations
-- unit_zh: 次
-- unit_en: calls
-- window_zh: 今日
-- window_en: today
-- refresh: 1s
-- audience: leader operations
-- basis: inspected calls by violation since midnight; no seat is named
-- basis_zh: 今日零时起质检的通话按违规类别统计，不点名坐席
-- source: contacts
-- systems: 22
SELECT violation, count(*) AS n
FROM contacts
WHERE kind = 'inspect' AND violation IS NOT NULL AND violation <> 'none' AND ts >= day_start() AND ts < day_start(1)
GROUP BY violation
ORDER BY n DESC, violation
