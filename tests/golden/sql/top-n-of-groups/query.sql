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

SELECT page, clicks, place FROM (
  SELECT page, clicks, ROW_NUMBER() OVER (ORDER BY clicks DESC, page) AS place
  FROM (SELECT page, COUNT(*) AS clicks FROM Clicks GROUP BY page)
) WHERE place <= 3;
