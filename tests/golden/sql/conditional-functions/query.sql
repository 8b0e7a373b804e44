-- feature: conditional functions
-- changes: append

CREATE TABLE Clicks (
  user_id STRING,
  page INT,
  action STRING,
  device STRING,
  event_time TIMESTAMP(3),
  WATERMARK FOR event_time AS event_time - INTERVAL '30' SECOND
);

SELECT user_id, page,
  CASE WHEN page < 3 THEN 'low' WHEN page < 10 THEN 'middle' ELSE 'high' END AS class,
  CASE device WHEN 'mobile' THEN 1 WHEN 'tablet' THEN 2 END AS code,
  COALESCE(device, action, '?') AS known,
  NULLIF(page, 1) AS not_one,
  IF(page > 5, 'big', 'small') AS size_of,
  IFNULL(device, 'none') AS device,
  GREATEST(page, 5) AS at_least,
  LEAST(page, 5) AS at_most
FROM Clicks;
