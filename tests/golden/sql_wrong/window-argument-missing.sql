-- line: 6
-- column: 28
-- message: HOP lacks SIZE
-- remedy: HOP(TABLE t

SELECT COUNT(*) FROM TABLE(HOP(TABLE Clicks, DESCRIPTOR(event_time), INTERVAL '2' MINUTE)) GROUP BY window_start, window_end;
