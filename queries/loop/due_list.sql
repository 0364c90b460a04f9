-- title_zh: 临期倒计时
-- title_en: Next to be due
-- unit_zh: 
-- unit_en: 
-- window_zh: 最近到期 20 件
-- window_en: next 20
-- refresh: 1s
-- audience: operations
-- basis: open tickets with a due date from 3 days ago on, nearest first; left_s is negative when late
-- basis_zh: 有办理期限的在办工单，自 3 天前到期的起，最近到期的在前；超期的 left_s 为负
-- source: open_tickets
-- systems: 2
-- params: area board
SELECT t.id, t.due, (CAST(t.due AS BIGINT) - CAST(now() AS BIGINT)) / 1000000 AS left_s, t.state, t.prio,
  coalesce(a.zh, t.area) AS area_zh, coalesce(a.en, t.area) AS area_en,
  coalesce(d.zh, t.topic) AS topic_zh, coalesce(d.en, t.topic) AS topic_en,
  coalesce(o.zh, t.org) AS org_zh, coalesce(o.en, t.org) AS org_en
FROM (
  SELECT id, due, state, prio, area, topic, org
  FROM open_tickets
  WHERE due >= now() - INTERVAL '3 days'
    AND ($area IS NULL OR area = $area OR (length($area) = 6 AND substr(area, 1, 6) = $area))
  AND ($board IS NULL OR board = $board)
  ORDER BY due, id
  LIMIT 20
) t
LEFT JOIN areas a ON a.code = t.area
LEFT JOIN topics d ON d.code = t.topic
LEFT JOIN orgs o ON o.code = t.org
ORDER BY t.due, t.id
