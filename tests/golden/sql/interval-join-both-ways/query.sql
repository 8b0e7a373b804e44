-- feature: interval join
-- changes: append

CREATE TABLE Clicks (
  user_id STRING,
  page INT,
  action STRING,
  device STRING,
  event_time TIMESTAMP(3),
  WATERMARK FOR event_time AS event_time - INTERVAL '1' HOUR
);

CREATE TABLE Offers (
  user_id STRING,
  offer STRING,
  code STRING,
  offered_at TIMESTAMP(3),
  WATERMARK FOR offered_at AS offered_at - INTERVAL '1' HOUR
);

SELECT c.user_id, c.page, o.code, c.event_time, o.offered_at
FROM Clicks AS c JOIN Offers AS o
ON c.user_id = o.user_id AND c.event_time BETWEEN o.offered_at - INTERVAL '10' SECOND AND o.offered_at + INTERVAL '10' SECOND;
