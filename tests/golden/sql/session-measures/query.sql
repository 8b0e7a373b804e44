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

SELECT user_id, window_start, window_end, COUNT(DISTINCT page) AS pages, MAX(page) AS highest,
  COUNT(*) FILTER (WHERE action = 'checkout') AS purchases, TIMESTAMPDIFF(SECOND, window_start, window_end) AS seconds_long
FROM TABLE(SESSION(TABLE Clicks PARTITION BY user_id, DESCRIPTOR(event_time), INTERVAL '30' SECOND))
GROUP BY user_id, window_start, window_end HAVING COUNT(*) > 1;
