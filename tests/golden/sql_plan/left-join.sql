SELECT c.page, u.name FROM Clicks AS c LEFT JOIN Users AS u ON c.user_id = u.user_id AND u.level = 'GOLD' AND c.page > 3;
