-- feature: regular join
-- changes: append

CREATE TABLE Clicks (
  user_id STRING,
  page INT,
  action STRING,
  device STRING,
  event_time TIMESTAMP(3),
  WATERMARK FOR event_time AS event_time - INTERVAL '30' SECOND
);

CREATE TABLE Limits (
  user_id STRING,
  device STRING,
  allowed INT
);
SELECT c.user_id, c.device, c.page, l.allowed
FROM Clicks AS c JOIN Limits AS l ON c.user_id = l.user_id AND c.device = l.device WHERE c.page <> l.allowed;
