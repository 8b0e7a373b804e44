-- Which actions of PLATINUM users there are: two streams in, a joined and filtered stream out.
CREATE TABLE Users (
  user_id STRING,
  name STRING,
  level STRING
);
CREATE TABLE Clicks (
  user_id STRING,
  page INT,
  action STRING,
  device STRING,
  event_time TIMESTAMP(3),
  WATERMARK FOR event_time AS event_time - INTERVAL '30' SECOND
);
CREATE TABLE VipActions (
  user_id STRING,
  name STRING,
  page INT,
  action STRING,
  event_time TIMESTAMP(3)
);

INSERT INTO VipActions
SELECT Users.user_id, Users.name, Clicks.page, Clicks.action, Clicks.event_time
FROM Clicks INNER JOIN Users ON Clicks.user_id = Users.user_id
WHERE Users.level = 'PLATINUM';
