-- title_zh: 信用评价
-- title_en: Credit grades
-- unit_zh: 家
-- unit_en: firms
-- window_zh: 此刻
-- window_en: now
-- refresh: 1h
-- audience: visitor leader operations
-- basis: member firms registered by grade; where none is, the opening balance of the city file
-- basis_zh: 在册加盟企业按信用等级统计；没有登记时取城市文件所列期初数
-- source: devices baseline
-- systems: 10
SELECT g.grade, coalesce(r.n, b.value, 0) AS n
FROM (VALUES (1, '3A'), (2, '2A'), (3, '1A')) AS g (ord, grade)
LEFT JOIN (
  SELECT grade, CAST(sum(coalesce(quantity, 1)) AS BIGINT) AS n
  FROM devices
  WHERE type = 'firm' AND state <> 'removed'
  GROUP BY grade
) r ON r.grade = g.grade
LEFT JOIN (SELECT metric, CAST(sum(value) AS BIGINT) AS value FROM baseline GROUP BY metric) b ON b.metric = 'credit_' || g.grade
ORDER BY g.ord
