-- line: 6
-- column: 14
-- message: user_id is ambiguous
-- remedy: Clicks.user_id or Users.user_id

SELECT page, user_id FROM Clicks JOIN Users ON Clicks.user_id = Users.user_id;
