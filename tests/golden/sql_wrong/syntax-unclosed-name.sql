-- line: 6
-- column: 8
-- message: name has no end
-- remedy: Close it with `

SELECT `page FROM Clicks;
