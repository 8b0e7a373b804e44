-- line: 6
-- column: 1
-- message: SELEKT cannot stand here
-- remedy: begins with SELECT

SELEKT page FROM Clicks;
