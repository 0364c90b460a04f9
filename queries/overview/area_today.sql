-- title_zh: 各区
-- title_en: Districts
-- unit_zh: 件
-- unit_en: requests
-- window_zh: 今日受理与此刻在办
-- window_en: opened today and open now
-- refresh: 5s
-- audience: visitor leader operations
-- basis: tickets opened since midnight and open now, by district; load: open ones for each 10,000 residents of the city file, null where it gives none; codes the city file does not know stand after its own
-- basis_zh: 各区今日零时起受理与此刻在办的工单件数；每万人在办＝此刻在办÷城市文件所载常住人口×10,000，未载人口的区为空；城市文件没有的代码列在最后
-- source: tickets
-- systems: 2
-- params: board
SELECT coalesce(a.code, t.area) AS area, coalesce(a.zh, t.area) AS zh, coalesce(a.en, t.area) AS en,
  coalesce(t.n, 0) AS n, coalesce(t.open, 0) AS open,
  coalesce(t.open, 0) * 10000.0 / nullif(a.residents, 0) AS load
FROM areas a
FULL JOIN (
  SELECT area, CAST(sum(n) AS BIGINT) AS n, CAST(sum(open) AS BIGINT) AS open
  FROM (
    -- A street's nine digits begin with its district's six.
    SELECT CASE WHEN area ~ '^[0-9]{9}$' THEN substr(area, 1, 6) ELSE area END AS area, n, open
    FROM (
      SELECT area, count(*) FILTER (WHERE kind = 'open' AND ts >= day_start() AND ts < day_start(1)) AS n,
        sum(open_delta) AS open
      FROM tickets
      WHERE area IS NOT NULL
        AND ($board IS NULL OR board = $board)
      GROUP BY area
    )
  )
  GROUP BY area
) t ON t.area = a.code
WHERE a.code IS NOT NULL OR t.n > 0 OR t.open <> 0
ORDER BY a.ord NULLS LAST, area
