-- line: 6
-- column: 30
-- message: 'soon' is no interval in MINUTE
-- remedy: INTERVAL '5' MINUTE

SELECT event_time + INTERVAL 'soon' MINUTE FROM Clicks;
