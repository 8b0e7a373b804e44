SELECT a.page, b.page FROM Clicks AS a JOIN Clicks AS b ON a.user_id = b.user_id
  AND b.event_time > a.event_time AND b.event_time <= a.event_time + INTERVAL '10' MINUTE AND b.action = 'checkout';
