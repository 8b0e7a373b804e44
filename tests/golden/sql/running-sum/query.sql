-- feature: over aggregates
-- changes: append

CREATE TABLE Clicks (
  user_id STRING,
  page INT,
  action STRING,
  device STRING,
  event_time TIMESTAMP(3),
  WATERMARK FOR event_time AS event_time - INTERVAL '30' SECOND
);

SELECT user_id, page, event_time,
  COUNT(*) OVER w AS clicks, SUM(page) OVER w AS pages
FROM Clicks
WINDOW w AS (PARTITION BY user_id ORDER BY event_time ROWS BETWEEN 2 PRECEDING AND CURRENT ROW);
