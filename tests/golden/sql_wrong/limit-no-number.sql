-- line: 6
-- column: 31
-- message: take whole numbers
-- remedy: LIMIT 10

SELECT page FROM Clicks LIMIT page;
