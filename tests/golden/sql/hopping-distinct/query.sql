-- feature: hopping windows
-- changes: append
-- differs: Flink loses rows of windows with an offset, which its window buffer flushes too late; ours counts them.

CREATE TABLE Clicks (
  user_id STRING,
  page INT,
  action STRING,
  device STRING,
  event_time TIMESTAMP(3),
  WATERMARK FOR event_time AS event_time - INTERVAL '30' SECOND
);

SELECT window_start, window_end, COUNT(DISTINCT user_id) AS visitors, COUNT(*) AS clicks, AVG(page) AS average
FROM TABLE(HOP(TABLE Clicks, DESCRIPTOR(event_time), INTERVAL '30' SECOND, INTERVAL '2' MINUTE, INTERVAL '10' SECOND))
GROUP BY window_start, window_end;
