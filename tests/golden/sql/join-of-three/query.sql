-- feature: regular join
-- changes: append

CREATE TABLE Clicks (
  user_id STRING,
  page INT,
  action STRING,
  device STRING,
  event_time TIMESTAMP(3),
  WATERMARK FOR event_time AS event_time - INTERVAL '30' SECOND
);

CREATE TABLE Users (
  user_id STRING,
  name STRING,
  `level` STRING,
  changed TIMESTAMP(3)
);

CREATE TABLE Offers (
  user_id STRING,
  offer STRING,
  code STRING,
  offered_at TIMESTAMP(3),
  WATERMARK FOR offered_at AS offered_at - INTERVAL '30' SECOND
);

SELECT u.name, u.`level`, c.page, o.code
FROM Clicks AS c
JOIN Users AS u ON c.user_id = u.user_id
JOIN Offers AS o ON o.user_id = u.user_id AND o.offer = 'offer1'
WHERE c.action IN ('cart', 'checkout');
