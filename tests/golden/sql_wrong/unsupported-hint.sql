-- line: 6
-- column: 25
-- message: Hints are not supported
-- remedy: WITH

SELECT page FROM Clicks /*+ OPTIONS('scan.startup.mode' = 'earliest-offset') */;
