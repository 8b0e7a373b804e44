-- line: 6
-- column: 127
-- message: event_time is no time attribute
-- remedy: before any GROUP BY or regular join

SELECT COUNT(*) FROM TABLE(TUMBLE((SELECT c.event_time FROM Clicks AS c JOIN Users AS u ON c.user_id = u.user_id), DESCRIPTOR(event_time), INTERVAL '1' MINUTE)) GROUP BY window_start, window_end;
