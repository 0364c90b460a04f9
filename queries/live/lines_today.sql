-- title_zh: 专线
-- title_en: Lines
-- unit_zh: 次
-- unit_en: calls
-- window_zh: 今日
-- window_en: today
-- refresh: 5s
-- audience: visitor leader operations
-- basis: calls arrived, answered and abandoned by line since midnight; the lines merged into one
-- basis_zh: 今日零时起各专线到达、接起与放弃的来电；各专线已并为一线
-- source: contacts
-- systems: 7
SELECT t.line, coalesce(l.zh, t.line) AS zh, coalesce(l.en, t.line) AS en, t.arrived, t.answered, t.abandoned,
  CAST(t.arrived AS DOUBLE) / CAST(nullif(sum(t.arrived) OVER (), 0) AS DOUBLE) AS share
FROM (
  SELECT line,
    count(*) FILTER (WHERE kind = 'arrive') AS arrived,
    count(*) FILTER (WHERE kind = 'answer') AS answered,
    count(*) FILTER (WHERE kind = 'abandon') AS abandoned
  FROM contacts
  WHERE kind IN ('arrive', 'answer', 'abandon') AND line IS NOT NULL AND coalesce(valid, true)
    AND ts >= day_start() AND ts < day_start(1)
  GROUP BY line
) t
LEFT JOIN lines l ON l.code = t.line
ORDER BY t.arrived DESC, t.line
