-- title_zh: 网络问政
-- title_en: Online Q&A
-- unit_zh: 件
-- unit_en: questions
-- window_zh: 今日与近 30 日
-- window_en: today and 30 days
-- refresh: 30s
-- audience: visitor leader operations
-- basis: questions opened and replied since midnight; k of n replied by due in 30 days
-- basis_zh: 今日零时起收到与答复的提问；近 30 日按期答复的 k 与 n
-- source: tickets
-- systems: 6
SELECT
  count(*) FILTER (WHERE kind = 'open' AND ts >= day_start()) AS opened,
  count(*) FILTER (WHERE kind = 'finish' AND ts >= day_start()) AS replied,
  CAST(coalesce(sum(open_delta), 0) AS BIGINT) AS open,
  count(*) FILTER (WHERE kind = 'finish' AND ts >= day_start(-29) AND NOT overdue) AS k,
  count(*) FILTER (WHERE kind = 'finish' AND ts >= day_start(-29) AND overdue IS NOT NULL) AS n
FROM tickets
WHERE service = 'web'
