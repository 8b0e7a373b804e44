-- line: 7
-- column: 3
-- message: a is declared twice
-- remedy: another name

CREATE TABLE T (a INT,
  a STRING);
SELECT a FROM T;
