-- feature: top-n
-- changes: updates

CREATE TABLE Clicks (
  user_id STRING,
  page INT,
  action STRING,
  device STRING,
  event_time TIMESTAMP(3),
  WATERMARK FOR event_time AS event_time - INTERVAL '30' SECOND
);

SELECT device, page, event_time, place FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY device ORDER BY page DESC, event_time) AS place FROM Clicks
) WHERE place <= 2;
