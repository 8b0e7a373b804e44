-- feature: tumbling windows, views
-- changes: append

CREATE TABLE Clicks (
  user_id STRING,
  page INT,
  action STRING,
  device STRING,
  event_time TIMESTAMP(3),
  WATERMARK FOR event_time AS event_time - INTERVAL '30' SECOND
);

CREATE VIEW PerMinute AS
SELECT window_time AS minute_time, device, COUNT(*) AS clicks FROM TABLE(TUMBLE(TABLE Clicks, DESCRIPTOR(event_time), INTERVAL '1' MINUTE))
GROUP BY window_start, window_end, window_time, device;
SELECT window_start, window_end, device, SUM(clicks) AS clicks, MAX(clicks) AS busiest
FROM TABLE(TUMBLE(TABLE PerMinute, DESCRIPTOR(minute_time), INTERVAL '5' MINUTE))
GROUP BY window_start, window_end, device;
