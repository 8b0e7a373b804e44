SELECT page FROM Clicks WHERE user_id NOT IN (SELECT user_id FROM Users);
