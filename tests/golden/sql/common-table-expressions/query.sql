-- feature: views, group by
-- changes: updates

CREATE TABLE Clicks (
  user_id STRING,
  page INT,
  action STRING,
  device STRING,
  event_time TIMESTAMP(3),
  WATERMARK FOR event_time AS event_time - INTERVAL '30' SECOND
);

WITH Active AS (SELECT user_id, page FROM Clicks WHERE page IS NOT NULL),
  Counts AS (SELECT user_id, COUNT(*) AS clicks FROM Active GROUP BY user_id)
SELECT c.user_id, c.clicks FROM Counts AS c WHERE c.clicks >= 2;
