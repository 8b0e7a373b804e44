-- line: 6
-- column: 13
-- message: no table Nowhere
-- remedy: CREATE TABLE Nowhere

INSERT INTO Nowhere SELECT page FROM Clicks;
