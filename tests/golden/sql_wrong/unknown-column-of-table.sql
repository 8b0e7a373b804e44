-- line: 6
-- column: 16
-- message: c has no column name
-- remedy: Columns are user_id, page

SELECT c.page, c.name FROM Clicks AS c JOIN Users AS u ON c.user_id = u.user_id;
