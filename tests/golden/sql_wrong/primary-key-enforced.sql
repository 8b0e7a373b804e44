-- line: 6
-- column: 41
-- message: ) cannot stand here
-- remedy: NOT ENFORCED

CREATE TABLE T (id INT, PRIMARY KEY (id)) WITH ('connector' = 'kafka');
SELECT id FROM T;
