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

CREATE TABLE Offers (
  user_id STRING,
  offer STRING,
  code STRING,
  offered_at TIMESTAMP(3),
  WATERMARK FOR offered_at AS offered_at - INTERVAL '30' SECOND
);

SELECT c.user_id, c.page, c.event_time, o.code, o.offered_at
FROM Clicks AS c JOIN Offers AS o ON c.user_id = o.user_id AND c.event_time >= o.offered_at AND c.page < CHAR_LENGTH(o.code) * 3;
