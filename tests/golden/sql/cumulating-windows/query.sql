-- feature: cumulating windows
-- changes: append

CREATE TABLE Clicks (
  user_id STRING,
  page INT,
  action STRING,
  device STRING,
  event_time TIMESTAMP(3),
  WATERMARK FOR event_time AS event_time - INTERVAL '30' SECOND
);

SELECT window_start, window_end, COUNT(*) AS clicks, COUNT(DISTINCT user_id) AS visitors
FROM TABLE(CUMULATE(TABLE Clicks, DESCRIPTOR(event_time), INTERVAL '1' MINUTE, INTERVAL '5' MINUTE))
GROUP BY window_start, window_end;
