-- What the customers with the highest status do on the site, as it happens.
--
-- Flink SQL: the same file runs here and on a Flink cluster.

CREATE TABLE Users (
  user_id STRING,
  name STRING,
  level STRING
) WITH ('topic' = 'user');

CREATE TABLE Clicks (
  user_id STRING,
  page INT,
  action STRING,
  device STRING,
  agent STRING,
  event_time TIMESTAMP_LTZ(3) METADATA FROM 'timestamp',
  WATERMARK FOR event_time AS event_time - INTERVAL '30' SECOND
) WITH ('topic' = 'click');

CREATE TABLE VipActions (
  user_id STRING,
  name STRING,
  page INT,
  action STRING,
  event_time TIMESTAMP_LTZ(3)
) WITH ('topic' = 'vip-action', 'key.fields' = 'user_id');

INSERT INTO VipActions
SELECT Users.user_id, Users.name, Clicks.page, Clicks.action, Clicks.event_time
FROM Clicks INNER JOIN Users ON Clicks.user_id = Users.user_id
WHERE Users.level = 'PLATINUM';
