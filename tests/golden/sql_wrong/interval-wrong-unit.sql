-- line: 6
-- column: 34
-- message: FORTNIGHT is no unit of time
-- remedy: WEEK

SELECT event_time + INTERVAL '1' FORTNIGHT FROM Clicks;
