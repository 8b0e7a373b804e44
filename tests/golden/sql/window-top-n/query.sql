-- feature: window top-n
-- changes: append

CREATE TABLE Clicks (
  user_id STRING,
  page INT,
  action STRING,
  device STRING,
  event_time TIMESTAMP(3),
  WATERMARK FOR event_time AS event_time - INTERVAL '30' SECOND
);

SELECT * FROM (
  SELECT window_start, window_end, page, clicks,
    ROW_NUMBER() OVER (PARTITION BY window_start, window_end ORDER BY clicks DESC, page) AS place
  FROM (
    SELECT window_start, window_end, page, COUNT(*) AS clicks
    FROM TABLE(TUMBLE(TABLE Clicks, DESCRIPTOR(event_time), INTERVAL '1' MINUTE))
    GROUP BY window_start, window_end, page
  )
) WHERE place <= 2;
