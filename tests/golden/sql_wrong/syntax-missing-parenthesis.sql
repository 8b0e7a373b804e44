-- line: 6
-- column: 19
-- message: FROM cannot stand here
-- remedy: )

SELECT COUNT(page FROM Clicks;
