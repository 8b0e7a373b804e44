-- line: 6
-- column: 35
-- message: Column 1 of this query is TIMESTAMP(3)
-- remedy: CAST(

SELECT page FROM Clicks UNION ALL SELECT event_time FROM Clicks;
