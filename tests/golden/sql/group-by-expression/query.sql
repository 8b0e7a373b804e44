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

SELECT FLOOR(event_time TO MINUTE) AS minute_begins, CASE WHEN page < 5 THEN 'low' ELSE 'high' END AS class, COUNT(*) AS clicks
FROM Clicks GROUP BY FLOOR(event_time TO MINUTE), CASE WHEN page < 5 THEN 'low' ELSE 'high' END;
