-- title_zh: 办结与回访
-- title_en: Finished and called back
-- unit_zh: 比例
-- unit_en: share
-- window_zh: 近 30 日
-- window_en: last 30 days
-- days: 30
-- refresh: 30s
-- audience: visitor leader operations
-- basis: finish: finished of opened; visit: called back of finished; satisfied: of rated; k and n of each
-- basis_zh: 办结：办结÷受理；回访：回访÷办结；满意：满意÷评价；各有 k 与 n
-- source: tickets
-- systems: 19
SELECT r.what, r.k, r.n, CASE WHEN r.n > 0 THEN CAST(r.k AS DOUBLE) / CAST(r.n AS DOUBLE) END AS value
FROM (
  SELECT p.ord, p.what,
    CASE p.ord WHEN 1 THEN finished WHEN 2 THEN visited ELSE satisfied END AS k,
    CASE p.ord WHEN 1 THEN opened WHEN 2 THEN finished ELSE rated END AS n
  FROM (
    SELECT count(*) FILTER (WHERE kind = 'open') AS opened,
      count(*) FILTER (WHERE kind = 'finish') AS finished,
      count(*) FILTER (WHERE kind = 'visit') AS visited,
      count(*) FILTER (WHERE kind = 'rate' AND rating >= $satisfied_from) AS satisfied,
      count(*) FILTER (WHERE kind = 'rate' AND rating IS NOT NULL) AS rated
    FROM tickets
    WHERE service = 'talent' AND ts >= day_start(-29) AND ts < day_start(1)
  ) c
  CROSS JOIN (VALUES (1, 'finish'), (2, 'visit'), (3, 'satisfied')) AS p (ord, what)
) r
ORDER BY r.ord
