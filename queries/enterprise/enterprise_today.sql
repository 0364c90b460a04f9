-- title_zh: 企业诉求
-- title_en: Requests of firms
-- unit_zh: 件
-- unit_en: requests
-- window_zh: 今日
-- window_en: today
-- refresh: 30s
-- audience: visitor leader operations
-- basis: tickets of the enterprise board opened and finished since midnight, and open now; first answer in minutes
-- basis_zh: 企业板块今日零时起受理、办结与此刻在办的件数；首次响应用时的中位分钟数
-- source: tickets
-- systems: 15
SELECT
  count(*) FILTER (WHERE kind = 'open' AND ts >= day_start() AND ts < day_start(1)) AS opened,
  count(*) FILTER (WHERE kind = 'finish' AND ts >= day_start() AND ts < day_start(1)) AS finished,
  CAST(coalesce(sum(open_delta), 0) AS BIGINT) AS open,
  approx_percentile_cont(CAST(stage_s AS DOUBLE), 0.5) FILTER (WHERE prev_state = 'waiting' AND kind IN ('dispatch', 'accept', 'reach', 'finish') AND ts >= day_start(-6)) / 60.0 AS first_answer_min,
  count(stage_s) FILTER (WHERE prev_state = 'waiting' AND kind IN ('dispatch', 'accept', 'reach', 'finish') AND ts >= day_start(-6)) AS first_answer_n
FROM tickets
WHERE service IN ('enterprise', 'finance', 'live')
