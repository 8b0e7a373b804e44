-- line: 6
-- column: 54
-- message: 'yesterday' is no TIMESTAMP
-- remedy: TIMESTAMP '2026-01-31

SELECT page FROM Clicks WHERE event_time > TIMESTAMP 'yesterday';
