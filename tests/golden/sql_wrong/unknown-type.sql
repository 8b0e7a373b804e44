-- line: 6
-- column: 21
-- message: NUMBER is no type
-- remedy: DECIMAL

SELECT CAST(page AS NUMBER) FROM Clicks;
