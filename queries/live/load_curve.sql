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
SELECT m.minute,
  CASE WHEN m.minute <= date_part('hour', local_time(now())) * 60 + date_part('minute', local_time(now())) THEN coalesce(t.today, 0) END AS today,
  CASE WHEN m.minute <= date_part('hour', local_time(now())) * 60 + date_part('minute', local_time(now())) THEN coalesce(t.answered, 0) END AS answered,
  m.last_week, m.low, m.high
FROM (
  -- Days that are over: nothing of this changes until midnight.
  SELECT minute, coalesce(w1, 0) AS last_week,
    CASE WHEN weeks >= 3 THEN least(w1, w2, w3, w4, w5, w6, w7, w8) END AS low,
    CASE WHEN weeks >= 3 THEN greatest(w1, w2, w3, w4, w5, w6, w7, w8) END AS high
  FROM (
    -- A week in which nothing was counted says nothing of what is usual.
    SELECT s.minute,
      CASE WHEN sum(w.w1) OVER () > 0 THEN coalesce(w.w1, 0) END AS w1,
      CASE WHEN sum(w.w2) OVER () > 0 THEN coalesce(w.w2, 0) END AS w2,
      CASE WHEN sum(w.w3) OVER () > 0 THEN coalesce(w.w3, 0) END AS w3,
      CASE WHEN sum(w.w4) OVER () > 0 THEN coalesce(w.w4, 0) END AS w4,
      CASE WHEN sum(w.w5) OVER () > 0 THEN coalesce(w.w5, 0) END AS w5,
      CASE WHEN sum(w.w6) OVER () > 0 THEN coalesce(w.w6, 0) END AS w6,
      CASE WHEN sum(w.w7) OVER () > 0 THEN coalesce(w.w7, 0) END AS w7,
      CASE WHEN sum(w.w8) OVER () > 0 THEN coalesce(w.w8, 0) END AS w8,
      CASE WHEN sum(w.w1) OVER () > 0 THEN 1 ELSE 0 END
        + CASE WHEN sum(w.w2) OVER () > 0 THEN 1 ELSE 0 END
        + CASE WHEN sum(w.w3) OVER () > 0 THEN 1 ELSE 0 END
        + CASE WHEN sum(w.w4) OVER () > 0 THEN 1 ELSE 0 END
        + CASE WHEN sum(w.w5) OVER () > 0 THEN 1 ELSE 0 END
        + CASE WHEN sum(w.w6) OVER () > 0 THEN 1 ELSE 0 END
        + CASE WHEN sum(w.w7) OVER () > 0 THEN 1 ELSE 0 END
        + CASE WHEN sum(w.w8) OVER () > 0 THEN 1 ELSE 0 END AS weeks
    FROM (SELECT value AS minute FROM generate_series(0, 1425, 15)) s
    LEFT JOIN (
      SELECT CAST(date_part('hour', local_time(ts)) * 60 + floor(date_part('minute', local_time(ts)) / 15) * 15 AS BIGINT) AS minute,
        count(*) FILTER (WHERE ts >= day_start(-7) AND ts < day_start(-6)) AS w1,
        count(*) FILTER (WHERE ts >= day_start(-14) AND ts < day_start(-13)) AS w2,
        count(*) FILTER (WHERE ts >= day_start(-21) AND ts < day_start(-20)) AS w3,
        count(*) FILTER (WHERE ts >= day_start(-28) AND ts < day_start(-27)) AS w4,
        count(*) FILTER (WHERE ts >= day_start(-35) AND ts < day_start(-34)) AS w5,
        count(*) FILTER (WHERE ts >= day_start(-42) AND ts < day_start(-41)) AS w6,
        count(*) FILTER (WHERE ts >= day_start(-49) AND ts < day_start(-48)) AS w7,
        count(*) FILTER (WHERE ts >= day_start(-56) AND ts < day_start(-55)) AS w8
      FROM contacts
      WHERE kind = 'arrive' AND coalesce(valid, true) AND ts >= day_start(-56) AND ts < day_start(-6)
        AND ((ts >= day_start(-7) AND ts < day_start(-6))
          OR (ts >= day_start(-14) AND ts < day_start(-13))
          OR (ts >= day_start(-21) AND ts < day_start(-20))
          OR (ts >= day_start(-28) AND ts < day_start(-27))
          OR (ts >= day_start(-35) AND ts < day_start(-34))
          OR (ts >= day_start(-42) AND ts < day_start(-41))
          OR (ts >= day_start(-49) AND ts < day_start(-48))
          OR (ts >= day_start(-56) AND ts < day_start(-55)))
      GROUP BY 1
    ) w ON w.minute = s.minute
  )
) m
LEFT JOIN (
  SELECT CAST(date_part('hour', local_time(ts)) * 60 + floor(date_part('minute', local_time(ts)) / 15) * 15 AS BIGINT) AS minute,
    count(*) FILTER (WHERE kind = 'arrive') AS today,
    count(*) FILTER (WHERE kind = 'answer') AS answered
  FROM contacts
  WHERE kind IN ('arrive', 'answer') AND coalesce(valid, true) AND ts >= day_start() AND ts < day_start(1)
  GROUP BY 1
) t ON t.minute = m.minute
ORDER BY m.minute
