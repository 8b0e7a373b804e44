-- line: 6
-- column: 8
-- message: needs ORDER BY a time attribute
-- remedy: OVER (PARTITION BY

SELECT COUNT(*) OVER (PARTITION BY user_id ORDER BY page) FROM Clicks;
