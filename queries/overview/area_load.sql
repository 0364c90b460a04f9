-- title_zh: 每万人在办
-- title_en: Open for 10,000 residents
-- unit_zh: 件/万人
-- unit_en: requests per 10,000 residents
-- window_zh: 此刻
-- window_en: now
-- refresh: 30s
-- audience: visitor leader operations
-- basis: tickets open now by district, for each 10,000 residents of the city file; null where it gives no residents
-- basis_zh: 各区此刻在办工单 ÷ 城市文件所载常住人口 × 10,000；未载人口的区为空
-- source: tickets
-- systems: 2
-- params: board
SELECT a.code AS area, a.zh, a.en, coalesce(t.open, 0) AS open,
  CAST(coalesce(t.open, 0) AS DOUBLE) * 10000 / CAST(nullif(a.residents, 0) AS DOUBLE) AS value
FROM areas a
LEFT JOIN (
  SELECT area, CAST(sum(open) AS BIGINT) AS open
  FROM (
    -- A street's nine digits begin with its district's six.
    SELECT CASE WHEN area ~ '^[0-9]{9}$' THEN substr(area, 1, 6) ELSE area END AS area, open
    FROM (
      SELECT area, sum(open_delta) AS open
      FROM tickets
      WHERE area IS NOT NULL
        AND ($board IS NULL OR board = $board)
      GROUP BY area
    )
  )
  GROUP BY area
) t ON t.area = a.code
ORDER BY a.ord
