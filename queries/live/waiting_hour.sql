-- title_zh: 排队人数
-- title_en: People waiting
-- unit_zh: 人
-- unit_en: people
-- window_zh: 近 1 小时，逐分钟
-- window_en: last hour by minute
-- refresh: 1s
-- audience: visitor leader operations
-- basis: the most contacts in the queue in each minute, looked at every 5 seconds: those waiting now less all that came to the queue and went since
-- basis_zh: 每 5 秒看一次，取每分钟内排队人数的最大值：此刻排队人数减去此后进出队列的人数
-- source: contacts, waiting
-- systems: 1
SELECT CAST(now() AS BIGINT) / 60000000 - p.minute AS ago_min, max(p.n) AS n
FROM (
  SELECT s.slot / 12 AS minute, w.n + s.came - sum(s.came) OVER (ORDER BY s.slot DESC, s.part DESC ROWS UNBOUNDED PRECEDING) AS n
  FROM (
    SELECT slot, 1 AS part, came
    FROM (
      SELECT CAST(ts AS BIGINT) / 5000000 AS slot, sum(queue_delta) AS came
      FROM contacts
      WHERE queue_delta <> 0 AND ts >= now() - INTERVAL '1 hour'
      GROUP BY 1
    )
    UNION ALL
    -- A minute begins with those who waited before it.
    SELECT (CAST(now() AS BIGINT) / 60000000 - value) * 12 AS slot, 0 AS part, 0 AS came FROM generate_series(0, 59)
  ) s
  CROSS JOIN (SELECT count(*) AS n FROM waiting) w
) p
WHERE p.minute > CAST(now() AS BIGINT) / 60000000 - 60
GROUP BY p.minute
ORDER BY p.minute
