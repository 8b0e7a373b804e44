-- line: 6
-- column: 33
-- message: UNNEST is not supported
-- remedy: array[1]

SELECT x FROM Clicks CROSS JOIN UNNEST(ARRAY[1, 2]) AS t (x);
