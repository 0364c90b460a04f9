-- title_zh: 挽救生命
-- title_en: Lives saved
-- unit_zh: 人
-- unit_en: lives
-- window_zh: 开通以来
-- window_en: since the service began
-- refresh: 60s
-- audience: visitor leader operations
-- basis: opening balance of the city file plus one-key tickets finished with outcome rescued, which people enter
-- basis_zh: 城市文件所列期初数＋办结结果为“获救”的一键通工单件数；结果由人工录入
-- source: tickets baseline
-- systems: 12
SELECT coalesce(b.value, 0) + c.n AS value, b.value AS baseline, c.n AS counted
FROM (
  SELECT count(*) AS n FROM tickets WHERE kind = 'finish' AND service = 'onekey' AND outcome = 'rescued'
) c
CROSS JOIN (SELECT CAST(sum(value) AS BIGINT) AS value FROM baseline WHERE metric = 'onekey_saved') b
