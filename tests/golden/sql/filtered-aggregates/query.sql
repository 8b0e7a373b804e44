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

SELECT action, COUNT(*) FILTER (WHERE device = 'mobile') AS mobile, SUM(page) FILTER (WHERE page > 5) AS big_pages,
  COUNT(DISTINCT user_id) FILTER (WHERE device IS NOT NULL) AS visitors, COUNT(DISTINCT device) AS devices
FROM Clicks GROUP BY action;
