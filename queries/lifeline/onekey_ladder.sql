-- title_zh: 救援阶梯
-- title_en: Rescue ladder
-- unit_zh: 起
-- unit_en: calls for help
-- window_zh: 今日
-- window_en: today
-- refresh: 1s
-- audience: leader operations
-- basis: one-key tickets that reached each step since midnight: call, kin or help reached, on site, safe
-- basis_zh: 今日零时起到达各步的一键通工单：呼叫、联系到亲属或救助力量、到场、平安
-- source: tickets
-- systems: 12
SELECT s.stage, coalesce(t.n, 0) AS n
FROM (VALUES (1, 'open'), (2, 'reach'), (3, 'onsite'), (4, 'finish')) AS s (ord, stage)
LEFT JOIN (
  SELECT kind, count(*) AS n
  FROM tickets
  WHERE service = 'onekey' AND kind IN ('open', 'reach', 'onsite', 'finish') AND ts >= day_start() AND ts < day_start(1)
  GROUP BY kind
) t ON t.kind = s.stage
ORDER BY s.ord
