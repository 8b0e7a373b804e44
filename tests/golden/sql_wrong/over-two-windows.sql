-- line: 7
-- column: 3
-- message: must be over the same rows
-- remedy: query around

SELECT COUNT(*) OVER (PARTITION BY user_id ORDER BY event_time),
  SUM(page) OVER (PARTITION BY device ORDER BY event_time) FROM Clicks;
