-- line: 6
-- column: 64
-- message: page is no time attribute
-- remedy: WATERMARK FOR page

SELECT window_start FROM TABLE(TUMBLE(TABLE Clicks, DESCRIPTOR(page), INTERVAL '1' MINUTE)) GROUP BY window_start, window_end;
