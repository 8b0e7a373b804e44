-- line: 6
-- column: 43
-- message: has 1 columns, and the first has 2
-- remedy: CAST(NULL AS STRING)

SELECT page, action FROM Clicks UNION ALL SELECT page FROM Clicks;
