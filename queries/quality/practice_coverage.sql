-- title_zh: AI 陪练
-- title_en: AI practice
-- unit_zh: 比例
-- unit_en: share
-- window_zh: 近 30 日
-- window_en: last 30 days
-- days: 30
-- refresh: 1h
-- audience: leader operations
-- basis: k: people who practised; n: seats seen in the window; mean score of practices
-- basis_zh: 分子：参加陪练的人；分母：时段内出现过的坐席；另列陪练均分
-- source: activities seats
-- systems: 22
SELECT CASE WHEN s.n > 0 THEN CAST(least(p.k, s.n) AS DOUBLE) / CAST(s.n AS DOUBLE) END AS value, least(p.k, s.n) AS k, s.n, m.mean_score
FROM (
  SELECT count(DISTINCT party) AS k
  FROM activities
  WHERE form = 'practice' AND kind = 'end' AND ts >= day_start(-29) AND ts < day_start(1)
) p
CROSS JOIN (
  SELECT sum(score) / CAST(count(score) AS DOUBLE) AS mean_score
  FROM activities
  WHERE form = 'practice' AND kind = 'end' AND ts >= day_start(-29) AND ts < day_start(1)
) m
CROSS JOIN (
  SELECT count(DISTINCT seat) AS n FROM seats WHERE ts >= day_start(-29) AND ts < day_start(1)
) s
