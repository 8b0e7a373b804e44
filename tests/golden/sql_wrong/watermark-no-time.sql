-- line: 6
-- column: 49
-- message: A watermark needs a column of TIMESTAMP(3)
-- remedy: computed column

CREATE TABLE T (a INT, ts BIGINT, WATERMARK FOR ts AS ts - 5);
SELECT a FROM T;
