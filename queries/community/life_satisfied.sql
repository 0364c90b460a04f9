-- title_zh: 生活服务满意率
-- title_en: Satisfied with home services
-- unit_zh: 比例
-- unit_en: share
-- window_zh: 近 30 日
-- window_en: last 30 days
-- days: 30
-- refresh: 60s
-- audience: visitor leader operations
-- basis: k: ratings from the city's satisfied_from up; n: rated
-- basis_zh: 分子：评分达到城市所定满意线（satisfied_from）的评价；分母：全部评价
-- source: tickets
-- systems: 9
SELECT CASE WHEN n > 0 THEN CAST(k AS DOUBLE) / CAST(n AS DOUBLE) END AS value, k, n
FROM (
  SELECT count(*) FILTER (WHERE rating >= $satisfied_from) AS k, count(rating) AS n
  FROM tickets
  WHERE service = 'life' AND kind = 'rate' AND ts >= day_start(-29) AND ts < day_start(1)
)
