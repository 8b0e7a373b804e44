-- line: 6
-- column: 43
-- message: EXISTS is only supported in WHERE
-- remedy: AND

SELECT page FROM Clicks WHERE page = 1 OR EXISTS (SELECT * FROM Users);
