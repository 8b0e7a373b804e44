-- line: 7
-- column: 1
-- message: statement set has no END
-- remedy: END;

CREATE TABLE T (page INT);
BEGIN STATEMENT SET;
INSERT INTO T SELECT page FROM Clicks;
