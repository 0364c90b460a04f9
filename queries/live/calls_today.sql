-- title_zh: 今日来电
-- title_en: Calls today
-- unit_zh: 次
-- unit_en: calls
-- window_zh: 今日，对比昨日同一时刻
-- window_en: today, against yesterday at this time
-- refresh: 200ms
-- audience: leader operations
-- basis: offered: calls that arrived and were valid; invalid are counted apart
-- basis_zh: 呼入：到达且有效的来电；无效的另计
-- source: contacts
-- systems: 1
-- params: line
SELECT
  count(*) FILTER (WHERE ts >= day_start() AND coalesce(valid, true)) AS offered,
  count(*) FILTER (WHERE ts >= day_start() AND NOT coalesce(valid, true)) AS invalid,
  count(*) FILTER (WHERE ts < now() - INTERVAL '1 day' AND coalesce(valid, true)) AS yesterday
FROM contacts
WHERE kind = 'arrive' AND ts >= day_start(-1) AND ts < day_start(1)
  AND ($line IS NULL OR line = $line)
