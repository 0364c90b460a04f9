-- title_zh: 暖心故事
-- title_en: Warm stories
-- unit_zh: 
-- unit_en: 
-- window_zh: 近 30 日最新 8 则
-- window_en: latest 8 of 30 days
-- days: 30
-- refresh: 60s
-- audience: visitor leader operations
-- basis: notes under the rule story that say by which role they were approved: curated text, never a ticket's; one is withdrawn by another note of its id under the rule story_withdrawn
-- basis_zh: 标明由何岗位审核、以 story 为规则的批注：人工撰写，绝非工单原文；同一编号另有 story_withdrawn 批注的即撤下
-- source: signals
-- systems: 23
SELECT s.id, s.ts, s.note, s.actor, s.board, s.service, coalesce(v.zh, s.service) AS service_zh,
  coalesce(v.en, s.service) AS service_en, s.area, coalesce(a.zh, s.area) AS area_zh, coalesce(a.en, s.area) AS area_en
FROM (
  SELECT id, max(ts) AS ts, max(note) AS note, max(actor) AS actor, max(board) AS board, max(service) AS service,
    max(area) AS area
  FROM signals
  WHERE kind = 'note' AND rule IN ('story', 'story_withdrawn') AND ts >= day_start(-29) AND ts < day_start(1)
  GROUP BY id
  HAVING count(*) FILTER (WHERE rule = 'story_withdrawn') = 0 AND max(note) IS NOT NULL AND max(actor) IS NOT NULL
) s
LEFT JOIN services v ON v.code = s.service
LEFT JOIN areas a ON a.code = s.area
ORDER BY s.ts DESC, s.id
LIMIT 8
