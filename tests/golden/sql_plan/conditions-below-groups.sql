SELECT user_id, COUNT(*) AS clicks FROM Clicks GROUP BY user_id HAVING user_id <> 'bot' AND COUNT(*) > 1;
