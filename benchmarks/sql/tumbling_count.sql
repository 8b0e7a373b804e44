-- Clicks and distinct users of each minute.
CREATE TABLE Clicks (
  user_id STRING,
  page INT,
  action STRING,
  device STRING,
  event_time TIMESTAMP(3),
  WATERMARK FOR event_time AS event_time - INTERVAL '30' SECOND
);
CREATE TABLE Minutes (
  minute_begins TIMESTAMP(3),
  clicks BIGINT,
  visitors BIGINT
);

INSERT INTO Minutes
SELECT window_start, COUNT(*), COUNT(DISTINCT user_id)
FROM TABLE(TUMBLE(TABLE Clicks, DESCRIPTOR(event_time), INTERVAL '1' MINUTE))
GROUP BY window_start, window_end;
