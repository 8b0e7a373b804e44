-- line: 6
-- column: 1
-- message: UPDATE is not supported
-- remedy: PRIMARY KEY

UPDATE Clicks SET page = 1;
