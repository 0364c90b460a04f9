-- title_zh: 等级变动
-- title_en: Grades changed
-- unit_zh: 家
-- unit_en: firms
-- window_zh: 近 30 日
-- window_en: last 30 days
-- days: 30
-- refresh: 1h
-- audience: leader operations
-- basis: registry updates of firms by the grade they now have
-- basis_zh: 企业台账更新次数，按更新后的等级统计
-- source: registry
-- systems: 10
SELECT grade, count(*) AS n
FROM registry
WHERE type = 'firm' AND kind = 'update' AND grade IS NOT NULL AND ts >= day_start(-29) AND ts < day_start(1)
GROUP BY grade
ORDER BY grade
