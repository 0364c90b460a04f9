-- title_zh: 四类服务，近 24 小时
-- title_en: Four boards, last 24 h
-- unit_zh: 件
-- unit_en: requests
-- window_zh: 近 24 小时
-- window_en: last 24 h
-- refresh: 60s
-- audience: visitor leader operations
-- basis: tickets opened by board of the city file
-- basis_zh: 按城市文件所列板块统计的受理件数
-- source: tickets
-- systems: 2,9,14,15
SELECT b.code AS board, coalesce(t.n, 0) AS n
FROM boards b
LEFT JOIN (
  SELECT board, count(*) AS n
  FROM tickets
  WHERE kind = 'open' AND ts >= now() - INTERVAL '24 hours'
  GROUP BY board
) t ON t.board = b.code
ORDER BY b.ord
