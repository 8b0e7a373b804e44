-- line: 6
-- column: 29
-- message: no greatest number
-- remedy: place <= 3

SELECT * FROM (SELECT page, ROW_NUMBER() OVER (ORDER BY page) AS n FROM Clicks) WHERE n > 3;
