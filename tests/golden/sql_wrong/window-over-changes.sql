-- line: 8
-- column: 28
-- message: taken back cannot be put into windows
-- remedy: directly over a stream

CREATE VIEW Latest AS SELECT user_id, page, event_time FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY user_id ORDER BY event_time DESC) AS n FROM Clicks) WHERE n = 1;
CREATE VIEW Once AS SELECT DISTINCT page, event_time FROM Clicks;
SELECT COUNT(*) FROM TABLE(TUMBLE(TABLE Latest, DESCRIPTOR(event_time), INTERVAL '1' MINUTE)) GROUP BY window_start, window_end;
