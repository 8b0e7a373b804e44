-- line: 6
-- column: 12
-- message: COUNT cannot stand here
-- remedy: query below

SELECT MAX(COUNT(page)) FROM Clicks;
