-- line: 6
-- column: 29
-- message: no column c
-- remedy: Columns are a

CREATE TABLE T (a INT, b AS c + 1);
SELECT a FROM T;
