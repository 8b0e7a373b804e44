-- line: 6
-- column: 26
-- message: LATERAL is not supported
-- remedy: Join

SELECT page FROM Clicks, LATERAL TABLE(f(page)) AS t(x);
