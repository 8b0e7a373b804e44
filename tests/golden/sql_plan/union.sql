SELECT user_id, page FROM Clicks UNION SELECT user_id, NULL FROM Users;
