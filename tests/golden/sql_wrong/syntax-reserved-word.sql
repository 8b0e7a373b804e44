-- line: 6
-- column: 8
-- message: timestamp is a word of SQL
-- remedy: `timestamp`

SELECT timestamp FROM Clicks;
