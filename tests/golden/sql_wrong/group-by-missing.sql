-- line: 6
-- column: 17
-- message: page is neither in GROUP BY
-- remedy: MAX(page)

SELECT user_id, page, COUNT(*) FROM Clicks GROUP BY user_id;
