-- line: 6
-- column: 46
-- message: only be ordered by its time attribute
-- remedy: LIMIT 10

SELECT page, event_time FROM Clicks ORDER BY event_time DESC;
