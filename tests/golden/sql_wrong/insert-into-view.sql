-- line: 7
-- column: 13
-- message: V is a view
-- remedy: table

CREATE VIEW V AS SELECT page FROM Clicks;
INSERT INTO V SELECT page FROM Clicks;
