SELECT window_start, window_end, MAX(page) FROM TABLE(CUMULATE(TABLE Clicks, DESCRIPTOR(event_time), INTERVAL '1' HOUR, INTERVAL '1' DAY))
GROUP BY window_end, window_start;
