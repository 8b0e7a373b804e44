SELECT * FROM Clicks JOIN Users USING (user_id);
