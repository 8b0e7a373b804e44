-- line: 6
-- column: 8
-- message: no table k here
-- remedy: Tables here are c

SELECT k.page FROM Clicks AS c;
