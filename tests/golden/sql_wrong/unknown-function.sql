-- line: 6
-- column: 8
-- message: no function UPER
-- remedy: UPPER

SELECT UPER(action) FROM Clicks;
