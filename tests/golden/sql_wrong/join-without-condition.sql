-- line: 6
-- column: 30
-- message: no condition
-- remedy: ON a.id = b.id

SELECT page FROM Clicks JOIN Users;
