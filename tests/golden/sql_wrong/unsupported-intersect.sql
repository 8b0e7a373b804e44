-- line: 6
-- column: 38
-- message: INTERSECT is not supported
-- remedy: EXISTS

SELECT user_id FROM Clicks INTERSECT SELECT user_id FROM Users;
