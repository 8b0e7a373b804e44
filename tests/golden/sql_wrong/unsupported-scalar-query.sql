-- line: 6
-- column: 39
-- message: in the place of a value
-- remedy: Join

SELECT page FROM Clicks WHERE page > (SELECT MAX(page) FROM Clicks);
