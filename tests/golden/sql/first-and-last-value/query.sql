-- feature: group by
-- changes: updates

CREATE TABLE Clicks (
  user_id STRING,
  page INT,
  action STRING,
  device STRING,
  event_time TIMESTAMP(3),
  WATERMARK FOR event_time AS event_time - INTERVAL '30' SECOND
);

SELECT user_id, FIRST_VALUE(action) AS first_action, LAST_VALUE(action) AS last_action, LAST_VALUE(device) AS last_device,
  LISTAGG(CAST(page AS STRING)) AS pages, LISTAGG(action, ' > ') AS way
FROM Clicks GROUP BY user_id;
