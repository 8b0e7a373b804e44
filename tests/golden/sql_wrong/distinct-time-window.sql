-- line: 8
-- column: 58
-- message: event_time is no time attribute
-- remedy: GROUP BY

CREATE VIEW Latest AS SELECT user_id, page, event_time FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY user_id ORDER BY event_time DESC) AS n FROM Clicks) WHERE n = 1;
CREATE VIEW Once AS SELECT DISTINCT page, event_time FROM Clicks;
SELECT COUNT(*) FROM TABLE(TUMBLE(TABLE Once, DESCRIPTOR(event_time), INTERVAL '1' MINUTE)) GROUP BY window_start, window_end;
