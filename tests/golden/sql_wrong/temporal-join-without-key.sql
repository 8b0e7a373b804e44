-- line: 6
-- column: 37
-- message: no primary key
-- remedy: PRIMARY KEY

SELECT c.page FROM Clicks AS c JOIN Clicks FOR SYSTEM_TIME AS OF c.event_time AS d ON c.user_id = d.user_id;
