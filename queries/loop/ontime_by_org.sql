-- title_zh: 承办单位按时办结
-- title_en: By unit
-- unit_zh: 比例
-- unit_en: share
-- window_zh: 到期日在近 30 日
-- window_en: due in the last 30 days
-- days: 30
-- refresh: 60s
-- audience: leader operations
-- basis: as ontime_rate, by the unit that has the ticket; only n of 30 and more get a rate; to be shown in tiers, not as a ranking
-- basis_zh: 口径同按时办结率，按承办单位统计；样本满 30 才给出比率；分档展示，不作排名
-- source: tickets open_tickets
-- systems: 2,4
SELECT t.org, coalesce(o.zh, t.org) AS zh, coalesce(o.en, t.org) AS en, t.k, t.n,
  CASE WHEN t.n >= 30 THEN CAST(t.k AS DOUBLE) / CAST(t.n AS DOUBLE) END AS value
FROM (
  SELECT org, CAST(sum(k) AS BIGINT) AS k, CAST(sum(n) AS BIGINT) AS n
  FROM (
    SELECT org, CAST(coalesce(sum(CASE WHEN ts > due THEN 0 WHEN kind = 'finish' THEN 1 ELSE -1 END), 0) AS BIGINT) AS k, CAST(coalesce(sum(CASE kind WHEN 'finish' THEN 1 WHEN 'reopen' THEN -1 ELSE 0 END), 0) AS BIGINT) AS n
    FROM tickets
    WHERE kind IN ('finish', 'reopen') AND org IS NOT NULL AND due >= day_start(-29) AND due < day_start(1)
    GROUP BY org
    UNION ALL
    SELECT org, 0 AS k, count(*) AS n
    FROM open_tickets
    WHERE org IS NOT NULL AND due >= day_start(-29) AND due < day_start(1)
    GROUP BY org
  )
  GROUP BY org
) t
LEFT JOIN orgs o ON o.code = t.org
WHERE t.n > 0
ORDER BY t.n DESC, t.org
LIMIT 40
