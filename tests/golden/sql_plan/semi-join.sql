SELECT page FROM Clicks WHERE user_id IN (SELECT user_id FROM Users WHERE level = 'GOLD') AND page > 1;
