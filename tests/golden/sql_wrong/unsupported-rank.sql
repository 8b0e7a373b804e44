-- line: 6
-- column: 29
-- message: RANK() is not supported
-- remedy: ROW_NUMBER()

SELECT * FROM (SELECT page, RANK() OVER (ORDER BY page) AS r FROM Clicks) WHERE r < 3;
