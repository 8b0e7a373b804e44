SELECT a.page, b.page FROM Clicks AS a LEFT JOIN Clicks AS b ON a.user_id = b.user_id
  AND b.event_time BETWEEN a.event_time - INTERVAL '1' SECOND AND a.event_time + INTERVAL '1:30' MINUTE TO SECOND;
