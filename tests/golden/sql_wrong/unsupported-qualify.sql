-- line: 6
-- column: 33
-- message: QUALIFY is not supported
-- remedy: WHERE around it

SELECT page FROM Clicks QUALIFY ROW_NUMBER() OVER (ORDER BY event_time) = 1;
