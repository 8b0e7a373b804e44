SELECT c.page, u.name FROM Clicks AS c FULL JOIN Users AS u ON c.user_id = u.user_id WHERE c.page > 3 OR u.name IS NULL;
