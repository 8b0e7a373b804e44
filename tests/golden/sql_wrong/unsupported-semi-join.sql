-- line: 6
-- column: 27
-- message: SEMI cannot stand here
-- remedy: Look at what stands before it: a comma,

SELECT * FROM Clicks AS c SEMI JOIN Users AS u ON c.user_id = u.user_id;
