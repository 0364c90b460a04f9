-- title_zh: 处理时长
-- title_en: Handling time
-- unit_zh: 秒
-- unit_en: seconds
-- window_zh: 今日
-- window_en: today
-- refresh: 15s
-- audience: leader operations
-- basis: talk, hold and after-work of contacts ended since midnight; AHT is their sum
-- basis_zh: 今日零时起结束的接触的通话、保持与话后时间；平均处理时长（AHT）为三者之和
-- source: contacts
-- systems: 1
SELECT avg(CAST(talk_s AS DOUBLE)) AS talk_s,
  avg(CAST(talk_s + coalesce(hold_s, 0) + coalesce(wrap_s, 0) AS DOUBLE)) AS aht_s,
  approx_percentile_cont(CAST(talk_s AS DOUBLE), 0.9) AS talk_p90_s,
  max(talk_s) AS longest_s, count(talk_s) AS n
FROM contacts
WHERE kind = 'end' AND ts >= day_start() AND ts < day_start(1)
