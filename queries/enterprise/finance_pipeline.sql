-- title_zh: 融资对接
-- title_en: Finance matching
-- unit_zh: 笔
-- unit_en: requests
-- window_zh: 近 90 日
-- window_en: last 90 days
-- days: 90
-- refresh: 60s
-- audience: visitor leader operations
-- basis: finance tickets that reached each step: need, bank proposed, met, granted, paid out (a refused one is not); several banks proposed to one firm count once
-- basis_zh: 到达各步的融资工单：提出需求、推荐银行、对接、授信、放款（被拒的不计）；向同一企业推荐多家银行只计一次
-- source: tickets
-- systems: 17
SELECT s.stage, coalesce(t.n, 0) AS n, coalesce(t.amount, 0) AS amount
FROM (VALUES (1, 'open'), (2, 'propose'), (3, 'reach'), (4, 'grant'), (5, 'finish')) AS s (ord, stage)
LEFT JOIN (
  SELECT kind, count(DISTINCT id) AS n, sum(amount) AS amount
  FROM tickets
  WHERE service = 'finance' AND (kind IN ('open', 'propose', 'reach', 'grant') OR kind = 'finish' AND solved)
    AND ts >= day_start(-89) AND ts < day_start(1)
  GROUP BY kind
) t ON t.kind = s.stage
ORDER BY s.ord
