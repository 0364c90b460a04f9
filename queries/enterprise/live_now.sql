-- title_zh: 正在直播
-- title_en: Live now
-- unit_zh: 人
-- unit_en: viewers
-- window_zh: 此刻
-- window_en: now
-- refresh: 5s
-- audience: visitor leader operations
-- basis: streams that started in the last 6 hours and did not end: viewers at the latest tick, peak, questions
-- basis_zh: 近 6 小时内开播、尚未结束的直播：最近一刻的观看人数、峰值、提问数
-- source: activities
-- systems: 16
SELECT id, online, peak, questions, started_at
FROM (
  SELECT id, first_value(kind ORDER BY ts DESC, seq DESC) AS last_kind,
    first_value(online ORDER BY ts DESC, seq DESC) AS online,
    max(online) AS peak, max(questions) AS questions, min(ts) AS started_at
  FROM activities
  WHERE form = 'live' AND kind IN ('start', 'tick', 'end') AND ts >= now() - INTERVAL '6 hours'
  GROUP BY id
)
WHERE last_kind <> 'end'
ORDER BY started_at DESC, id
LIMIT 10
