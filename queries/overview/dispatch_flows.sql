-- title_zh: 派往各区
-- title_en: Sent to the districts
-- unit_zh: 件
-- unit_en: requests
-- window_zh: 近 15 分钟
-- window_en: last 15 minutes
-- refresh: 5s
-- audience: visitor leader operations
-- basis: dispatches of the last 15 minutes by district and board; services whose places are not shown are left out
-- basis_zh: 近 15 分钟派出的工单，按区与服务板块；位置不公开的服务不计
-- source: tickets
-- systems: 4,5
SELECT area, board, CAST(sum(n) AS BIGINT) AS n
FROM (
  -- A street's nine digits begin with its district's six.
  SELECT CASE WHEN area ~ '^[0-9]{9}$' THEN substr(area, 1, 6) ELSE area END AS area, board, n
  FROM (
    SELECT area, board, count(*) AS n
    FROM tickets
    WHERE kind = 'dispatch' AND area IS NOT NULL AND ts >= now() - INTERVAL '15 minutes'
      AND coalesce(service, '') NOT IN ('onekey', 'guangming')
    GROUP BY area, board
  )
)
GROUP BY area, board
ORDER BY area, board
