SELECT window_start AS begins, MAX(clicks) AS most FROM (
  SELECT user_id, window_start, window_end, COUNT(*) AS clicks FROM TABLE(TUMBLE(TABLE Clicks, DESCRIPTOR(event_time), INTERVAL '1' MINUTE))
  GROUP BY user_id, window_start, window_end) GROUP BY window_start, window_end;
