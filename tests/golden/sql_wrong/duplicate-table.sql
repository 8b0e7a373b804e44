-- line: 7
-- column: 14
-- message: T exists already
-- remedy: another name

CREATE TABLE T (a INT);
CREATE TABLE T (b INT);
SELECT a FROM T;
