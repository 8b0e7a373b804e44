-- feature: tumbling windows
-- changes: append

CREATE TABLE Clicks (
  user_id STRING,
  page INT,
  action STRING,
  device STRING,
  event_time TIMESTAMP(3),
  WATERMARK FOR event_time AS event_time - INTERVAL '30' SECOND
);

SELECT window_start, window_end, device, COUNT(*) AS clicks
FROM TABLE(TUMBLE(DATA => TABLE Clicks, TIMECOL => DESCRIPTOR(event_time), SIZE => INTERVAL '10' MINUTES))
GROUP BY window_start, window_end, device;
