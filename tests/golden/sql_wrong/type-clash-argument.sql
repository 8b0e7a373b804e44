-- line: 6
-- column: 14
-- message: must be a text, not INT
-- remedy: CAST

SELECT UPPER(page) FROM Clicks;
