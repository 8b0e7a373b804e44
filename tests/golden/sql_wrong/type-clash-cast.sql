-- line: 6
-- column: 8
-- message: cannot be cast
-- remedy: STRING

SELECT CAST(event_time AS BOOLEAN) FROM Clicks;
