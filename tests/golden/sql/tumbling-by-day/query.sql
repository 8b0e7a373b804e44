-- feature: tumbling windows
-- changes: append

CREATE TABLE Visits (
  user_id STRING,
  at_time TIMESTAMP(3),
  WATERMARK FOR at_time AS at_time
);

SELECT window_start, window_end, COUNT(*) AS visits
FROM TABLE(TUMBLE(TABLE Visits, DESCRIPTOR(at_time), INTERVAL '1' DAY))
GROUP BY window_start, window_end;
