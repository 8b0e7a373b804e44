-- line: 6
-- column: 37
-- message: ends too early
-- remedy: missing

SELECT page FROM Clicks WHERE page >
