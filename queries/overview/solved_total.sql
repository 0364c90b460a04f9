-- title_zh: 累计解决
-- title_en: Solved in all
-- unit_zh: 件
-- unit_en: requests
-- window_zh: 开线以来
-- window_en: since the line began
-- refresh: 200ms
-- audience: visitor leader operations
-- basis: opening balance of the city file (with its source) plus tickets finished here; baseline is null where the city has none
-- basis_zh: 城市文件所列期初数（注明出处）＋本系统计入的办结件数；城市没有期初数时只计后者
-- source: tickets baseline
-- systems: 1,2
SELECT coalesce(b.value, 0) + c.n AS value, b.value AS baseline, c.n AS counted
FROM (SELECT count(*) AS n FROM tickets WHERE kind = 'finish') c
CROSS JOIN (SELECT CAST(sum(value) AS BIGINT) AS value FROM baseline WHERE metric = 'solved') b
