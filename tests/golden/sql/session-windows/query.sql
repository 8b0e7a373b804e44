-- feature: session windows
-- changes: append

CREATE TABLE Clicks (
  user_id STRING,
  page INT,
  action STRING,
  device STRING,
  event_time TIMESTAMP(3),
  WATERMARK FOR event_time AS event_time - INTERVAL '30' SECOND
);

SELECT user_id, window_start, window_end, window_time, COUNT(*) AS clicks, MIN(action) AS first_action
FROM TABLE(SESSION(TABLE Clicks PARTITION BY user_id, DESCRIPTOR(event_time), INTERVAL '1' MINUTE))
GROUP BY user_id, window_start, window_end, window_time;
