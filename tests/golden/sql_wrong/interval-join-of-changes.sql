-- line: 8
-- column: 73
-- message: interval join must not be taken back
-- remedy: before they are grouped

CREATE VIEW Latest AS SELECT user_id, page, event_time FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY user_id ORDER BY event_time DESC) AS n FROM Clicks) WHERE n = 1;
CREATE VIEW Once AS SELECT DISTINCT page, event_time FROM Clicks;
SELECT 1 FROM Latest AS l JOIN Clicks AS c ON l.user_id = c.user_id AND l.event_time BETWEEN c.event_time AND c.event_time + INTERVAL '1' MINUTE;
