-- line: 6
-- column: 34
-- message: aggregate in WHERE
-- remedy: HAVING

SELECT user_id FROM Clicks WHERE COUNT(*) > 3 GROUP BY user_id;
