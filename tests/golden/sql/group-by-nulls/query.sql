-- feature: group by
-- changes: updates

CREATE TABLE Clicks (
  user_id STRING,
  page INT,
  action STRING,
  device STRING,
  event_time TIMESTAMP(3),
  WATERMARK FOR event_time AS event_time - INTERVAL '30' SECOND
);

SELECT device, user_id IS NULL AS nobody, COUNT(*) AS clicks, COUNT(user_id) AS known, SUM(page) AS pages,
  AVG(page) AS average, AVG(CAST(page AS DOUBLE)) AS exact_average, MIN(user_id) AS first_user, MAX(device) AS top_device
FROM Clicks GROUP BY device, user_id IS NULL;
