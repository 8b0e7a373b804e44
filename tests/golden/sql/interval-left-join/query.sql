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

SELECT o.user_id, o.code, o.offered_at, c.action, c.event_time
FROM Offers AS o LEFT JOIN Clicks AS c
ON o.user_id = c.user_id AND c.event_time >= o.offered_at AND c.event_time < o.offered_at + INTERVAL '1' MINUTE
  AND c.action <> 'vitrine_nav';
