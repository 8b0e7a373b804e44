SELECT c.page, u.name FROM Clicks AS c LEFT JOIN Users AS u ON c.user_id = u.user_id WHERE u.level = 'GOLD';
