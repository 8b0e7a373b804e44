CREATE TABLE VipActions (user_id STRING, name STRING, page INT, action STRING, event_time TIMESTAMP(3)) WITH ('connector' = 'kafka');
INSERT INTO VipActions
SELECT Users.user_id, Users.name, Clicks.page, Clicks.action, Clicks.event_time
FROM Clicks INNER JOIN Users ON Clicks.user_id = Users.user_id
WHERE Users.level = 'PLATINUM'
