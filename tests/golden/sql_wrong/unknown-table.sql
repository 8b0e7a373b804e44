-- line: 6
-- column: 18
-- message: no table Klicks
-- remedy: Did you mean Clicks?

SELECT page FROM Klicks;
