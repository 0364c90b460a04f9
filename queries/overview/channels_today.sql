-- title_zh: 渠道
-- title_en: Channels
-- unit_zh: 次
-- unit_en: contacts
-- window_zh: 今日
-- window_en: today
-- refresh: 10s
-- audience: visitor leader operations
-- basis: contacts arrived by channel since midnight, valid ones; share of all of them
-- basis_zh: 今日零时起到达的有效接触，按渠道统计；占比以全部有效接触为分母
-- source: contacts
-- systems: 8
SELECT t.channel, coalesce(c.zh, t.channel) AS zh, coalesce(c.en, t.channel) AS en, t.n,
  CAST(t.n AS DOUBLE) / CAST(sum(t.n) OVER () AS DOUBLE) AS share
FROM (
  SELECT channel, count(*) AS n
  FROM contacts
  WHERE kind = 'arrive' AND channel IS NOT NULL AND coalesce(valid, true) AND ts >= day_start() AND ts < day_start(1)
  GROUP BY channel
) t
LEFT JOIN channels c ON c.code = t.channel
ORDER BY t.n DESC, t.channel
