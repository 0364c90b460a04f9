-- title_zh: 累计授信
-- title_en: Granted in all
-- unit_zh: 元
-- unit_en: yuan
-- window_zh: 开通以来
-- window_en: since it began
-- refresh: 60s
-- audience: visitor leader operations
-- basis: sum of amounts granted here, and how many; baseline: the one case of the article, not added
-- basis_zh: 本系统计入的授信金额之和与笔数；期初为报道所载的一例，不计入
-- source: tickets baseline
-- systems: 17
SELECT c.amount AS value, c.n, b.value AS baseline
FROM (SELECT coalesce(sum(amount), 0) AS amount, count(*) AS n FROM tickets WHERE service = 'finance' AND kind = 'grant') c
CROSS JOIN (SELECT sum(value) AS value FROM baseline WHERE metric = 'finance_amount') b
