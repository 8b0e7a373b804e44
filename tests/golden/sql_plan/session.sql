SELECT user_id, window_start, window_end, COUNT(*) AS clicks
FROM TABLE(SESSION(TABLE Clicks PARTITION BY user_id, DESCRIPTOR(event_time), INTERVAL '30' MINUTE)) GROUP BY user_id, window_start, window_end;
