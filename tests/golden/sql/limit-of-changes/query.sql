-- feature: top-n, group by
-- changes: updates

CREATE TABLE Clicks (
  user_id STRING,
  page INT,
  action STRING,
  device STRING,
  event_time TIMESTAMP(3),
  WATERMARK FOR event_time AS event_time - INTERVAL '30' SECOND
);

SELECT user_id, COUNT(*) AS clicks FROM Clicks GROUP BY user_id ORDER BY clicks DESC, user_id LIMIT 3;
