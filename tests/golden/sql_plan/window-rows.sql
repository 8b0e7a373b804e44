SELECT page, window_time FROM TABLE(TUMBLE(TABLE Clicks, DESCRIPTOR(event_time), INTERVAL '1' MINUTE)) WHERE page > 2 AND window_start > TIMESTAMP '2026-01-01 00:00:00';
