-- title_zh: 一键通呼叫
-- title_en: One-key calls
-- unit_zh: 次
-- unit_en: calls
-- window_zh: 今日，对比昨日同一时刻
-- window_en: today, against yesterday at this time
-- refresh: 5s
-- audience: visitor leader operations
-- basis: contacts that arrived over one-key phones
-- basis_zh: 经一键通终端打来的接触次数；昨日截至同一时刻
-- source: contacts
-- systems: 12
SELECT
  count(*) FILTER (WHERE ts >= day_start()) AS value,
  count(*) FILTER (WHERE ts < now() - INTERVAL '1 day') AS yesterday
FROM contacts
WHERE kind = 'arrive' AND channel = 'onekey' AND ts >= day_start(-1) AND ts < day_start(1)
