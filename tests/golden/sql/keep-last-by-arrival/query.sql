-- feature: de-duplication
-- changes: updates

CREATE TABLE Clicks (
  user_id STRING,
  page INT,
  action STRING,
  device STRING,
  event_time TIMESTAMP(3),
  arrived AS PROCTIME()
);

SELECT user_id, device, page, action FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY user_id, device ORDER BY arrived DESC) AS place FROM Clicks
) WHERE place = 1;
