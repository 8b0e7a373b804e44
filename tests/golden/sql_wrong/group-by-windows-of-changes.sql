-- line: 7
-- column: 104
-- message: taken back cannot be grouped by windows
-- remedy: directly over a stream

SELECT window_start, COUNT(*) FROM (SELECT * FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY device ORDER BY page) AS n
  FROM TABLE(TUMBLE(TABLE Clicks, DESCRIPTOR(event_time), INTERVAL '1' MINUTE))) WHERE n = 1) GROUP BY window_start, window_end;
