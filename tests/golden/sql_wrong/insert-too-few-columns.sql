-- line: 7
-- column: 15
-- message: has 1 columns, and T takes 2
-- remedy: Select a, b

CREATE TABLE T (a INT, b INT);
INSERT INTO T SELECT page FROM Clicks;
