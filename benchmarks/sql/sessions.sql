-- Each user's sessions: 30 minutes of silence end one.
CREATE TABLE Clicks (
  user_id STRING,
  page INT,
  action STRING,
  device STRING,
  event_time TIMESTAMP(3),
  WATERMARK FOR event_time AS event_time - INTERVAL '30' SECOND
);
CREATE TABLE Sessions (
  user_id STRING,
  began TIMESTAMP(3),
  ended TIMESTAMP(3),
  clicks BIGINT
);

INSERT INTO Sessions
SELECT user_id, window_start, window_end, COUNT(*)
FROM TABLE(SESSION(TABLE Clicks PARTITION BY user_id, DESCRIPTOR(event_time), INTERVAL '30' MINUTE))
GROUP BY user_id, window_start, window_end;
