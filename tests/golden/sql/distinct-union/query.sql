-- feature: distinct, union all
-- changes: updates

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

SELECT user_id FROM Clicks UNION SELECT user_id FROM Offers;
