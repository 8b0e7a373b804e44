SELECT * FROM (SELECT window_start, device, clicks, ROW_NUMBER() OVER (PARTITION BY window_start, window_end ORDER BY clicks DESC) AS place FROM (
  SELECT window_start, window_end, device, COUNT(*) AS clicks FROM TABLE(TUMBLE(TABLE Clicks, DESCRIPTOR(event_time), INTERVAL '1' MINUTE))
  GROUP BY window_start, window_end, device)) WHERE place <= 3;
