-- title_zh: 秒回率
-- title_en: Instant answers
-- unit_zh: 比例
-- unit_en: share
-- window_zh: 今日
-- window_en: today
-- refresh: 10s
-- audience: visitor leader operations
-- basis: k: enquiries finished within the city's instant_s seconds without being sent to a unit; n: enquiries opened
-- basis_zh: 分子：未经派单、在城市规定秒数（instant_s）内办结的咨询；分母：受理的咨询
-- source: tickets
-- systems: 3
-- target: 0.85
-- params: area
SELECT CASE WHEN n > 0 THEN CAST(k AS DOUBLE) / CAST(n AS DOUBLE) END AS value, k, n
FROM (
  SELECT
    count(*) FILTER (WHERE kind = 'finish' AND elapsed_s <= $instant_s AND NOT coalesce(dispatched, false)) AS k,
    count(*) FILTER (WHERE kind = 'open') AS n
  FROM tickets
  WHERE service = 'ask' AND kind IN ('open', 'finish') AND ts >= day_start() AND ts < day_start(1)
    AND ($area IS NULL OR area = $area OR (length($area) = 6 AND substr(area, 1, 6) = $area))
)
