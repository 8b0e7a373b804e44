SELECT window_start, device, COUNT(*) AS clicks FROM TABLE(TUMBLE(TABLE Clicks, DESCRIPTOR(event_time), INTERVAL '1' MINUTE))
WHERE action = 'cart' GROUP BY window_start, window_end, device HAVING COUNT(*) > 1;
