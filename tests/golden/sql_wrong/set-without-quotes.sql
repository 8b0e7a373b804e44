-- line: 6
-- column: 5
-- message: parallelism cannot stand here
-- remedy: SET 'key' = 'value'

SET parallelism.default = 4;
SELECT page FROM Clicks;
