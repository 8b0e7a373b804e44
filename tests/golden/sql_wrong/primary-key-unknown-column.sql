-- line: 6
-- column: 38
-- message: key_id is no column
-- remedy: Columns are id

CREATE TABLE T (id INT, PRIMARY KEY (key_id) NOT ENFORCED);
SELECT id FROM T;
