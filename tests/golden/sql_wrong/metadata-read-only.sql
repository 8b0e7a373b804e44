-- line: 7
-- column: 19
-- message: T has no column p to insert into
-- remedy: Columns are a

CREATE TABLE T (a INT, p INT METADATA FROM 'partition' VIRTUAL);
INSERT INTO T (a, p) SELECT page, 1 FROM Clicks;
