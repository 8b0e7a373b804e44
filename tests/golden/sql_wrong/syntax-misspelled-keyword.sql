-- line: 6
-- column: 30
-- message: page cannot stand here
-- remedy: Did you mean WHERE instead of WHER?

SELECT page FROM Clicks WHER page > 3;
