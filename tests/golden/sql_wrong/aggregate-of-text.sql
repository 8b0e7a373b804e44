-- line: 6
-- column: 8
-- message: SUM does not take STRING
-- remedy: CAST

SELECT SUM(action) FROM Clicks;
