-- line: 7
-- column: 1
-- message: SELECT cannot stand in a statement set
-- remedy: INSERT INTO

BEGIN STATEMENT SET;
SELECT page FROM Clicks;
END;
