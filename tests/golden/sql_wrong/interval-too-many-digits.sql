-- line: 6
-- column: 30
-- message: more than the 2 digits of DAY
-- remedy: INTERVAL '365' DAY(3)

SELECT event_time + INTERVAL '365' DAY FROM Clicks;
