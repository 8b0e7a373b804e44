-- feature: three-valued logic
-- changes: append

CREATE TABLE Clicks (
  user_id STRING,
  page INT,
  action STRING,
  device STRING,
  event_time TIMESTAMP(3),
  WATERMARK FOR event_time AS event_time - INTERVAL '30' SECOND
);

SELECT user_id, page, device,
  device = 'mobile' AS equal,
  device = 'mobile' OR page > 3 AS either,
  device = 'mobile' AND page > 3 AS both_of_them,
  NOT (device = 'mobile') AS other,
  device IS NULL AS missing,
  (page > 3) IS UNKNOWN AS unknown_page,
  (page > 3) IS NOT TRUE AS not_big,
  device IS DISTINCT FROM 'mobile' AS differs,
  user_id IS NOT DISTINCT FROM CAST(NULL AS STRING) AS nobody
FROM Clicks;
