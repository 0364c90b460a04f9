-- title_zh: 处理结果
-- title_en: How calls ended
-- unit_zh: 起
-- unit_en: calls
-- window_zh: 近 30 日
-- window_en: last 30 days
-- days: 30
-- refresh: 60s
-- audience: leader operations
-- basis: one-key tickets finished by outcome; false alarms are part of it
-- basis_zh: 办结的一键通工单按结果统计，误触计入其中
-- source: tickets
-- systems: 12
SELECT outcome, n, CAST(n AS DOUBLE) / CAST(sum(n) OVER () AS DOUBLE) AS share
FROM (
  SELECT coalesce(outcome, 'unknown') AS outcome, count(*) AS n
  FROM tickets
  WHERE service = 'onekey' AND kind = 'finish' AND ts >= day_start(-29) AND ts < day_start(1)
  GROUP BY 1
)
ORDER BY n DESC, outcome
