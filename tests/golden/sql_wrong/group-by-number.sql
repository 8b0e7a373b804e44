-- line: 6
-- column: 47
-- message: GROUP BY a constant
-- remedy: Name the column

SELECT user_id, COUNT(*) FROM Clicks GROUP BY 1;
