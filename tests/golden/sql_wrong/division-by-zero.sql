-- line: 6
-- column: 8
-- message: Division by zero
-- remedy: NULLIF

SELECT page / 0 FROM Clicks;
