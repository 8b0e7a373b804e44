-- line: 7
-- column: 15
-- message: page of T is INT
-- remedy: CAST(… AS INT)

CREATE TABLE T (page INT);
INSERT INTO T SELECT action FROM Clicks;
