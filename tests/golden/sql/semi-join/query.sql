-- feature: semi join
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

SELECT user_id, page, action FROM Clicks WHERE user_id IN (SELECT user_id FROM Users WHERE `level` = 'PLATINUM');
