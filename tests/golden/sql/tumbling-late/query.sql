-- feature: tumbling windows
-- changes: append

CREATE TABLE Ticks (
  name STRING,
  at_time TIMESTAMP(3),
  WATERMARK FOR at_time AS at_time - INTERVAL '5' SECOND
);

SELECT window_start, window_end, COUNT(*) AS ticks, LISTAGG(name) AS names
FROM TABLE(TUMBLE(TABLE Ticks, DESCRIPTOR(at_time), INTERVAL '10' SECOND))
GROUP BY window_start, window_end;
