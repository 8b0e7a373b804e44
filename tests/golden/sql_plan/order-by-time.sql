SELECT page FROM Clicks ORDER BY event_time, page DESC;
