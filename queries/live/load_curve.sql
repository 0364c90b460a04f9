-- title_zh: 话务曲线
-- title_en: Calls through the day
-- unit_zh: 次/15 分钟
-- unit_en: calls per 15 min
-- window_zh: 今日、上周同日与前八周同日
-- window_en: today, the same day last week, and of the eight weeks before
-- refresh: 5s
-- audience: leader operations
-- basis: calls arrived in each quarter of an hour; answered of them; today is null after now; low and high are the least and the most of the same weekday in the last eight weeks, null where fewer than three of them have calls
-- basis_zh: 每刻钟进线的来电，及其中接起的；此刻之后为空；低、高为前八周同一星期几的最少与最多，有来电的不足三周则为空
-- source: contacts
-- systems: 1
SELECT minute,
  CASE WHEN minute <= date_part('hour', local_time(now())) * 60 + date_part('minute', local_time(now())) THEN today END AS today,
  CASE WHEN minute <= date_part('hour', local_time(now())) * 60 + date_part('minute', local_time(now())) THEN answered END AS answered,
  w1 AS last_week,
  CASE WHEN weeks >= 3 THEN least(usual1, usual2, usual3, usual4, usual5, usual6, usual7, usual8) END AS low,
  CASE WHEN weeks >= 3 THEN greatest(usual1, usual2, usual3, usual4, usual5, usual6, usual7, usual8) END AS high
FROM (
  SELECT m.minute, coalesce(t.today, 0) AS today, coalesce(t.answered, 0) AS answered,
    coalesce(t.w1, 0) AS w1,
    -- A week in which nothing was counted says nothing of what is usual.
    CASE WHEN sum(t.w1) OVER () > 0 THEN coalesce(t.w1, 0) END AS usual1,
    CASE WHEN sum(t.w2) OVER () > 0 THEN coalesce(t.w2, 0) END AS usual2,
    CASE WHEN sum(t.w3) OVER () > 0 THEN coalesce(t.w3, 0) END AS usual3,
    CASE WHEN sum(t.w4) OVER () > 0 THEN coalesce(t.w4, 0) END AS usual4,
    CASE WHEN sum(t.w5) OVER () > 0 THEN coalesce(t.w5, 0) END AS usual5,
    CASE WHEN sum(t.w6) OVER () > 0 THEN coalesce(t.w6, 0) END AS usual6,
    CASE WHEN sum(t.w7) OVER () > 0 THEN coalesce(t.w7, 0) END AS usual7,
    CASE WHEN sum(t.w8) OVER () > 0 THEN coalesce(t.w8, 0) END AS usual8,
    CASE WHEN sum(t.w1) OVER () > 0 THEN 1 ELSE 0 END
      + CASE WHEN sum(t.w2) OVER () > 0 THEN 1 ELSE 0 END
      + CASE WHEN sum(t.w3) OVER () > 0 THEN 1 ELSE 0 END
      + CASE WHEN sum(t.w4) OVER () > 0 THEN 1 ELSE 0 END
      + CASE WHEN sum(t.w5) OVER () > 0 THEN 1 ELSE 0 END
      + CASE WHEN sum(t.w6) OVER () > 0 THEN 1 ELSE 0 END
      + CASE WHEN sum(t.w7) OVER () > 0 THEN 1 ELSE 0 END
      + CASE WHEN sum(t.w8) OVER () > 0 THEN 1 ELSE 0 END AS weeks
  FROM (SELECT value AS minute FROM generate_series(0, 1425, 15)) m
  LEFT JOIN (
    SELECT CAST(date_part('hour', local_time(ts)) * 60 + floor(date_part('minute', local_time(ts)) / 15) * 15 AS BIGINT) AS minute,
      count(*) FILTER (WHERE kind = 'arrive' AND ts >= day_start()) AS today,
      count(*) FILTER (WHERE kind = 'answer' AND ts >= day_start()) AS answered,
      count(*) FILTER (WHERE kind = 'arrive' AND ts >= day_start(-7) AND ts < day_start(-6)) AS w1,
      count(*) FILTER (WHERE kind = 'arrive' AND ts >= day_start(-14) AND ts < day_start(-13)) AS w2,
      count(*) FILTER (WHERE kind = 'arrive' AND ts >= day_start(-21) AND ts < day_start(-20)) AS w3,
      count(*) FILTER (WHERE kind = 'arrive' AND ts >= day_start(-28) AND ts < day_start(-27)) AS w4,
      count(*) FILTER (WHERE kind = 'arrive' AND ts >= day_start(-35) AND ts < day_start(-34)) AS w5,
      count(*) FILTER (WHERE kind = 'arrive' AND ts >= day_start(-42) AND ts < day_start(-41)) AS w6,
      count(*) FILTER (WHERE kind = 'arrive' AND ts >= day_start(-49) AND ts < day_start(-48)) AS w7,
      count(*) FILTER (WHERE kind = 'arrive' AND ts >= day_start(-56) AND ts < day_start(-55)) AS w8
    FROM contacts
    WHERE kind IN ('arrive', 'answer') AND coalesce(valid, true) AND ts >= day_start(-56) AND ts < day_start(1)
      AND (ts >= day_start()
        OR (ts >= day_start(-7) AND ts < day_start(-6))
        OR (ts >= day_start(-14) AND ts < day_start(-13))
        OR (ts >= day_start(-21) AND ts < day_start(-20))
        OR (ts >= day_start(-28) AND ts < day_start(-27))
        OR (ts >= day_start(-35) AND ts < day_start(-34))
        OR (ts >= day_start(-42) AND ts < day_start(-41))
        OR (ts >= day_start(-49) AND ts < day_start(-48))
        OR (ts >= day_start(-56) AND ts < day_start(-55)))
    GROUP BY 1
  ) t ON t.minute = m.minute
)
ORDER BY minute
