-- line: 8
-- column: 37
-- message: whole primary key
-- remedy: user_id

CREATE VIEW Latest AS SELECT user_id, page, event_time FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY user_id ORDER BY event_time DESC) AS n FROM Clicks) WHERE n = 1;
CREATE VIEW Once AS SELECT DISTINCT page, event_time FROM Clicks;
SELECT c.page FROM Clicks AS c JOIN Latest FOR SYSTEM_TIME AS OF c.event_time AS d ON c.page = d.page;
