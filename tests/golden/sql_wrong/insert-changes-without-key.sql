-- line: 7
-- column: 13
-- message: no primary key
-- remedy: PRIMARY KEY

CREATE TABLE T (u STRING, n BIGINT);
INSERT INTO T SELECT user_id, COUNT(*) FROM Clicks GROUP BY user_id;
