-- line: 7
-- column: 8
-- message: INSERT OVERWRITE is not supported
-- remedy: INSERT INTO

CREATE TABLE T (a INT);
INSERT OVERWRITE T SELECT page FROM Clicks;
