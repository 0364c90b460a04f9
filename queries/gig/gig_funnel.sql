-- title_zh: 登记·推荐·上岗·回访
-- title_en: Register, propose, hire, call back
-- unit_zh: 人次
-- unit_en: people
-- window_zh: 近 30 日
-- window_en: last 30 days
-- days: 30
-- refresh: 60s
-- audience: visitor leader operations
-- basis: events of each step of gig tickets
-- basis_zh: 零工工单各环节发生的事件数
-- source: tickets
-- systems: 11
SELECT s.stage, coalesce(t.n, 0) AS n
FROM (VALUES (1, 'open'), (2, 'propose'), (3, 'finish'), (4, 'visit')) AS s (ord, stage)
LEFT JOIN (
  SELECT kind, count(*) AS n
  FROM tickets
  WHERE service = 'gig' AND kind IN ('open', 'propose', 'finish', 'visit') AND ts >= day_start(-29) AND ts < day_start(1)
  GROUP BY kind
) t ON t.kind = s.stage
ORDER BY s.ord
