-- line: 6
-- column: 38
-- message: TUMBLE in GROUP BY
-- remedy: FROM TABLE(TUMBLE

SELECT COUNT(*) FROM Clicks GROUP BY TUMBLE(event_time, INTERVAL '1' MINUTE);
