-- line: 6
-- column: 28
-- message: multiple
-- remedy: HOP(TABLE t

SELECT COUNT(*) FROM TABLE(HOP(TABLE Clicks, DESCRIPTOR(event_time), INTERVAL '2' MINUTE, INTERVAL '5' MINUTE)) GROUP BY window_start, window_end;
