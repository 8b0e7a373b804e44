SELECT c.page FROM Clicks AS c JOIN Users AS u ON LOWER(c.user_id) = LOWER(u.user_id) AND c.page < CHAR_LENGTH(u.name);
