SELECT window_end, COUNT(*) FROM HOP(DATA => TABLE Clicks, TIMECOL => DESCRIPTOR(event_time), SLIDE => INTERVAL '1' MINUTE, SIZE => INTERVAL '1' HOUR)
GROUP BY window_start, window_end;
