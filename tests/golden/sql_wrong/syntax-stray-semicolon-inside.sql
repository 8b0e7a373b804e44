-- line: 6
-- column: 14
-- message: FROM cannot stand here
-- remedy: missing between the comma and this

SELECT page, FROM Clicks;
