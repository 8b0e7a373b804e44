SELECT user_id, COUNT(*) AS carts
FROM TABLE(SESSION(TABLE Clicks PARTITION BY user_id, DESCRIPTOR(event_time), INTERVAL '30' MINUTE))
WHERE action = 'cart' AND user_id <> 'bot' GROUP BY user_id, window_start, window_end;
