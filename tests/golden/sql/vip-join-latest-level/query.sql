-- feature: regular join, de-duplication
-- changes: updates

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
  WATERMARK FOR event_time AS event_time - INTERVAL '30' SECOND
);

CREATE VIEW LatestUsers AS
SELECT user_id, name, `level` FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY user_id ORDER BY changed DESC) AS newest FROM Users
) WHERE newest = 1;
SELECT u.user_id, u.name, c.page, c.action, c.event_time
FROM Clicks AS c INNER JOIN LatestUsers AS u ON c.user_id = u.user_id
WHERE u.`level` = 'PLATINUM';
