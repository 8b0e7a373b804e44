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

SELECT user_id, page,
  page IN (1, 2, NULL) AS listed,
  page NOT IN (1, 2, NULL) AS not_listed,
  device IN ('mobile', 'tablet') AS handy,
  page BETWEEN 3 AND NULL AS half_between,
  page NOT BETWEEN 3 AND 7 AS outside,
  CASE WHEN page > 3 THEN 'big' END AS class,
  CASE WHEN device = NULL THEN 1 ELSE 2 END AS never,
  COALESCE(page > 3, FALSE) AS certainly
FROM Clicks WHERE page > 3 IS NOT FALSE;
