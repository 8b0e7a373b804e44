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

SELECT user_id, window_start, window_end, COUNT(*) AS clicks, SUM(page) AS pages, AVG(page) AS average, MIN(device) AS lowest,
  COUNT(device) AS known, COUNT(*) FILTER (WHERE action = 'cart') AS carts
FROM TABLE(TUMBLE(TABLE Clicks, DESCRIPTOR(event_time), INTERVAL '1' MINUTE)) GROUP BY user_id, window_start, window_end;
