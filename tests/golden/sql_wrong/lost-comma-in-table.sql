-- line: 6
-- column: 23
-- message: b cannot stand here
-- remedy: comma or )

CREATE TABLE T (a INT b STRING);
SELECT a FROM T;
