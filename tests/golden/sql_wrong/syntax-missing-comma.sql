-- line: 6
-- column: 21
-- message: action cannot stand here
-- remedy: comma

SELECT user_id page action FROM Clicks;
