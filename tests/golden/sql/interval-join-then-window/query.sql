-- feature: interval join, tumbling windows
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

CREATE VIEW Answers AS
SELECT o.user_id, o.offer, c.event_time
FROM Offers AS o JOIN Clicks AS c
ON o.user_id = c.user_id AND c.event_time BETWEEN o.offered_at AND o.offered_at + INTERVAL '2' MINUTE;
SELECT window_start, window_end, offer, COUNT(*) AS answers
FROM TABLE(TUMBLE(TABLE Answers, DESCRIPTOR(event_time), INTERVAL '1' MINUTE))
GROUP BY window_start, window_end, offer;
