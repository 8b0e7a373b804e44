-- feature: tumbling windows, group by
-- changes: updates

CREATE TABLE Clicks (
  user_id STRING,
  page INT,
  action STRING,
  device STRING,
  event_time TIMESTAMP(3),
  WATERMARK FOR event_time AS event_time - INTERVAL '30' SECOND
);

SELECT user_id, MAX(clicks) AS busiest_minute, COUNT(*) AS minutes FROM (
  SELECT user_id, window_start, window_end, COUNT(*) AS clicks FROM TABLE(TUMBLE(TABLE Clicks, DESCRIPTOR(event_time), INTERVAL '1' MINUTE)) GROUP BY user_id, window_start, window_end
) GROUP BY user_id;
