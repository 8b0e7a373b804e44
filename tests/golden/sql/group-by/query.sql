-- feature: group by, having
-- changes: updates

CREATE TABLE Clicks (
  user_id STRING,
  page INT,
  action STRING,
  device STRING,
  event_time TIMESTAMP(3),
  WATERMARK FOR event_time AS event_time - INTERVAL '30' SECOND
);

SELECT user_id, COUNT(*) AS clicks, COUNT(device) AS with_device, COUNT(DISTINCT page) AS pages,
  SUM(page) AS page_sum, AVG(page) AS page_average, MIN(page) AS lowest, MAX(event_time) AS latest,
  COUNT(*) FILTER (WHERE action = 'cart') AS carts
FROM Clicks GROUP BY user_id HAVING COUNT(*) > 1;
