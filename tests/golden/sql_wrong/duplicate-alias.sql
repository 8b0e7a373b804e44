-- line: 6
-- column: 32
-- message: two tables c
-- remedy: another name

SELECT 1 FROM Clicks AS c JOIN Users AS c ON c.user_id = c.user_id;
