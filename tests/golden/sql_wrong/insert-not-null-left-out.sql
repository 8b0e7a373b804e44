-- line: 7
-- column: 13
-- message: b of T must not be NULL
-- remedy: Add b

CREATE TABLE T (a INT, b INT NOT NULL);
INSERT INTO T (a) SELECT page FROM Clicks;
