-- line: 6
-- column: 73
-- message: INTERVAL of days or less
-- remedy: TUMBLE(TABLE t

SELECT COUNT(*) FROM TABLE(TUMBLE(TABLE Clicks, DESCRIPTOR(event_time), INTERVAL '1' MONTH)) GROUP BY window_start, window_end;
