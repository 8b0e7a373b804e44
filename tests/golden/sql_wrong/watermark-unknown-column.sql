-- line: 6
-- column: 38
-- message: no column ts
-- remedy: Columns are a

CREATE TABLE T (a INT, WATERMARK FOR ts AS ts - INTERVAL '5' SECOND);
SELECT a FROM T;
