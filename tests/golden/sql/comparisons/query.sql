-- feature: filter, three-valued logic
-- changes: append

CREATE TABLE Clicks (
  user_id STRING,
  page INT,
  action STRING,
  device STRING,
  event_time TIMESTAMP(3),
  WATERMARK FOR event_time AS event_time - INTERVAL '30' SECOND
);

SELECT user_id, page, action, device FROM Clicks
WHERE (page BETWEEN 2 AND 7 OR action IN ('cart', 'checkout'))
  AND device NOT IN ('tablet')
  AND action LIKE '%c%' AND action NOT LIKE 'sel_ction' AND user_id <> 'eve';
