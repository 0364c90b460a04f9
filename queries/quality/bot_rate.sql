-- title_zh: 机器人独立解决率
-- title_en: Solved by the assistant
-- unit_zh: 比例
-- unit_en: share
-- window_zh: 今日
-- window_en: today
-- refresh: 60s
-- audience: visitor leader operations
-- basis: k: sessions with the assistant not handed to a person; n: sessions; both of contacts since midnight
-- basis_zh: 分子：未转人工的智能客服会话；分母：全部会话；均为今日零时起的接触
-- source: contacts
-- systems: 21
SELECT CASE WHEN n > 0 THEN CAST(greatest(n - handoffs, 0) AS DOUBLE) / CAST(n AS DOUBLE) END AS value,
  greatest(n - handoffs, 0) AS k, n, handoffs
FROM (
  SELECT count(*) FILTER (WHERE kind = 'bot') AS n, count(*) FILTER (WHERE kind = 'handoff') AS handoffs
  FROM contacts
  WHERE kind IN ('bot', 'handoff') AND ts >= day_start() AND ts < day_start(1)
)
