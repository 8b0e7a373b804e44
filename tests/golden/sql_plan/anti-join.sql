SELECT page FROM Clicks AS c WHERE NOT EXISTS (SELECT * FROM Users AS u WHERE u.user_id = c.user_id AND u.level = 'GOLD');
