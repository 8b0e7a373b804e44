-- line: 6
-- column: 24
-- message: no metadata weight
-- remedy: timestamp

CREATE TABLE T (a INT, w STRING METADATA FROM 'weight'); SELECT a FROM T;
