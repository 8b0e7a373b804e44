-- line: 6
-- column: 14
-- message: without a condition
-- remedy: WHERE place <= 3

SELECT page, ROW_NUMBER() OVER (PARTITION BY user_id ORDER BY page) AS n FROM Clicks;
