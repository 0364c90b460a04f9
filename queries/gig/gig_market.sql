-- title_zh: 在招与在找
-- title_en: Posts and seekers
-- unit_zh: 个
-- unit_en: posts, seekers
-- window_zh: 此刻
-- window_en: now
-- refresh: 30s
-- audience: visitor leader operations
-- basis: open gig tickets: posts to fill and people looking (every gig event says its side); and posts registered
-- basis_zh: 在办零工工单中在招的岗位与在找的人（每个零工事件都注明哪一方）；另列登记岗位数
-- source: tickets devices
-- systems: 11
SELECT t.hiring, t.seeking, p.posts
FROM (
  SELECT CAST(coalesce(sum(open_delta) FILTER (WHERE side = 'hire'), 0) AS BIGINT) AS hiring,
    CAST(coalesce(sum(open_delta) FILTER (WHERE side = 'seek'), 0) AS BIGINT) AS seeking
  FROM tickets
  WHERE service = 'gig'
) t
CROSS JOIN (
  SELECT CAST(coalesce(sum(coalesce(quantity, 1)), 0) AS BIGINT) AS posts FROM devices WHERE type = 'post' AND state <> 'removed'
) p
