-- line: 6
-- column: 8
-- message: * does not go together
-- remedy: List the columns

SELECT * FROM Clicks GROUP BY user_id;
