-- line: 7
-- column: 31
-- message: has 1 values, and the first has 2
-- remedy: NULL

CREATE TABLE T (a INT, b INT);
INSERT INTO T VALUES (1, 2), (3);
