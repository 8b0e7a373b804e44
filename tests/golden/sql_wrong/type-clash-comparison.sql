-- line: 6
-- column: 31
-- message: = does not take INT, BOOLEAN
-- remedy: CAST

SELECT page FROM Clicks WHERE page = TRUE;
