-- feature: tumbling windows, views
-- changes: append

CREATE TABLE Clicks (
  user_id STRING,
  page INT,
  action STRING,
  device STRING,
  event_time TIMESTAMP(3),
  WATERMARK FOR event_time AS event_time - INTERVAL '30' SECOND
);

CREATE VIEW CartClicks AS SELECT user_id, page, event_time FROM Clicks WHERE action = 'cart';
SELECT window_start, window_end, COUNT(*) AS carts, MAX(page) AS page
FROM TABLE(TUMBLE(TABLE CartClicks, DESCRIPTOR(event_time), INTERVAL '1' MINUTE))
GROUP BY window_start, window_end HAVING COUNT(*) >= 1;
