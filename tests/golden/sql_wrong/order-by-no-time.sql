-- line: 6
-- column: 34
-- message: can only be ordered
-- remedy: LIMIT 10

SELECT page FROM Clicks ORDER BY page;
