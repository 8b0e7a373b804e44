-- line: 7
-- column: 55
-- message: ts is no time attribute
-- remedy: WATERMARK FOR ts AS ts - INTERVAL '30' SECOND

CREATE TABLE T (a INT, ts TIMESTAMP(3));
SELECT COUNT(*) FROM TABLE(TUMBLE(TABLE T, DESCRIPTOR(ts), INTERVAL '1' MINUTE)) GROUP BY window_start, window_end;
