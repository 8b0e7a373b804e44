-- feature: projection, filter
-- changes: append

CREATE TABLE Clicks (
  user_id STRING,
  page INT,
  action STRING,
  device STRING,
  event_time TIMESTAMP(3),
  WATERMARK FOR event_time AS event_time - INTERVAL '30' SECOND
);

SELECT user_id, page + 1 AS next_page, UPPER(action) AS action, event_time
FROM Clicks WHERE page > 2 AND device <> 'tablet';
