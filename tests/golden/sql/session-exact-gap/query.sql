-- feature: session windows
-- changes: append

CREATE TABLE Visits (
  user_id STRING,
  at_time TIMESTAMP(3),
  WATERMARK FOR at_time AS at_time - INTERVAL '1' MINUTE
);

SELECT user_id, window_start, window_end, COUNT(*) AS clicks
FROM TABLE(SESSION(TABLE Visits PARTITION BY user_id, DESCRIPTOR(at_time), INTERVAL '30' SECOND))
GROUP BY user_id, window_start, window_end;
