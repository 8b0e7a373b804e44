-- line: 6
-- column: 31
-- message: WHERE needs a condition
-- remedy: Compare it

SELECT page FROM Clicks WHERE page;
