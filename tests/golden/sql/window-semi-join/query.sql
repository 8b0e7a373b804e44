-- feature: window join, semi join
-- changes: append

CREATE TABLE Clicks (
  user_id STRING,
  page INT,
  action STRING,
  device STRING,
  event_time TIMESTAMP(3),
  WATERMARK FOR event_time AS event_time - INTERVAL '1' HOUR
);

CREATE TABLE Offers (
  user_id STRING,
  offer STRING,
  code STRING,
  offered_at TIMESTAMP(3),
  WATERMARK FOR offered_at AS offered_at - INTERVAL '1' HOUR
);
SELECT c.user_id, c.page, c.window_start
FROM (SELECT * FROM TABLE(TUMBLE(TABLE Clicks, DESCRIPTOR(event_time), INTERVAL '5' MINUTE))) AS c
WHERE EXISTS (SELECT * FROM (SELECT * FROM TABLE(TUMBLE(TABLE Offers, DESCRIPTOR(offered_at), INTERVAL '5' MINUTE))) AS o
  WHERE c.user_id = o.user_id AND c.window_start = o.window_start AND c.window_end = o.window_end);
