-- feature: temporal join, de-duplication
-- changes: append

CREATE TABLE Users (
  user_id STRING,
  name STRING,
  `level` STRING,
  changed TIMESTAMP(3),
  WATERMARK FOR changed AS changed
);

CREATE TABLE Clicks (
  user_id STRING,
  page INT,
  action STRING,
  device STRING,
  event_time TIMESTAMP(3),
  WATERMARK FOR event_time AS event_time - INTERVAL '1' HOUR
);

CREATE VIEW VersionedUsers AS
SELECT user_id, name, `level`, changed FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY user_id ORDER BY changed DESC) AS newest FROM Users
) WHERE newest = 1;
SELECT c.user_id, c.page, c.event_time, u.name, u.`level`, u.changed
FROM Clicks AS c
JOIN VersionedUsers FOR SYSTEM_TIME AS OF c.event_time AS u ON c.user_id = u.user_id;
