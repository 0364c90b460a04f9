-- title_zh: 预警卡
-- title_en: Alerts
-- unit_zh: 
-- unit_en: 
-- window_zh: 近 24 小时
-- window_en: last 24 h
-- refresh: 1s
-- audience: operations
-- basis: alerts raised, with the latest word on each: raise, ack or clear
-- basis_zh: 发出的告警及各自的最新状态：发出、确认或解除
-- source: signals
-- systems: 23
SELECT a.id, a.state, a.raised_at, a.last_at, a.rule, a.severity, a.area, a.actor, a.value,
  coalesce(d.zh, a.topic) AS topic_zh, coalesce(d.en, a.topic) AS topic_en
FROM (
  SELECT id, first_value(kind ORDER BY ts DESC, seq DESC) AS state, min(ts) AS raised_at, max(ts) AS last_at,
    max(rule) AS rule, max(severity) AS severity, max(area) AS area, max(topic) AS topic,
    first_value(actor ORDER BY ts DESC, seq DESC) AS actor, max(value) AS value
  FROM signals
  WHERE kind IN ('raise', 'ack', 'clear') AND ts >= now() - INTERVAL '24 hours'
  GROUP BY id
) a
LEFT JOIN topics d ON d.code = a.topic
ORDER BY a.raised_at DESC, a.id
LIMIT 50
