-- feature: outer join
-- changes: updates

CREATE TABLE Clicks (
  user_id STRING,
  page INT,
  action STRING,
  device STRING,
  event_time TIMESTAMP(3),
  WATERMARK FOR event_time AS event_time - INTERVAL '30' SECOND
);

CREATE TABLE Users (
  user_id STRING,
  name STRING,
  `level` STRING,
  changed TIMESTAMP(3)
);

SELECT c.user_id, c.page, c.action, u.name, u.`level`
FROM Clicks AS c LEFT JOIN Users AS u ON c.user_id = u.user_id AND u.`level` = 'PLATINUM';
