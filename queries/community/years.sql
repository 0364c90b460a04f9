-- title_zh: 二十年
-- title_en: By year
-- unit_zh: 件
-- unit_en: requests
-- window_zh: 逐年
-- window_en: by year
-- refresh: 1h
-- audience: visitor leader operations
-- basis: tickets opened and finished by calendar year of the city
-- basis_zh: 按城市日历年统计的受理与办结件数
-- source: tickets
-- systems: 1
SELECT CAST(year AS BIGINT) AS year, opened, finished
FROM (
  SELECT date_part('year', local_time(ts)) AS year,
    count(*) FILTER (WHERE kind = 'open') AS opened, count(*) FILTER (WHERE kind = 'finish') AS finished
  FROM tickets
  WHERE kind IN ('open', 'finish')
  GROUP BY 1
)
ORDER BY year
