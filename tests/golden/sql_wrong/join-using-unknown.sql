-- line: 6
-- column: 43
-- message: USING needs id in both
-- remedy: Columns are user_id, page, action, devic

SELECT page FROM Clicks JOIN Users USING (id);
