-- feature: cumulating windows
-- changes: append

CREATE TABLE Ticks (
  name STRING,
  at_time TIMESTAMP(3),
  WATERMARK FOR at_time AS at_time - INTERVAL '5' SECOND
);

SELECT window_start, window_end, COUNT(*) AS ticks, MIN(name) AS first_name, MAX(name) AS last_name
FROM TABLE(CUMULATE(TABLE Ticks, DESCRIPTOR(at_time), INTERVAL '10' SECOND, INTERVAL '30' SECOND))
GROUP BY window_start, window_end;
