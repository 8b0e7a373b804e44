-- line: 6
-- column: 16
-- message: WITH RECURSIVE is not supported
-- remedy: Leave RECURSIVE out

WITH RECURSIVE t AS (SELECT 1 AS x) SELECT x FROM t;
