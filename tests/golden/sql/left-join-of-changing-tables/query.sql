-- feature: outer join, group by
-- changes: updates

CREATE TABLE Clicks (
  user_id STRING,
  page INT,
  action STRING,
  device STRING,
  event_time TIMESTAMP(3),
  WATERMARK FOR event_time AS event_time - INTERVAL '30' SECOND
);

CREATE TABLE Carts (
  cart_id BIGINT,
  user_id STRING,
  product STRING,
  category STRING,
  price DECIMAL(10, 2),
  quantity INT,
  ts BIGINT,
  put_at AS TO_TIMESTAMP_LTZ(ts, 3),
  WATERMARK FOR put_at AS put_at - INTERVAL '5' SECOND
);

SELECT c.user_id, c.clicks, k.spent FROM
  (SELECT user_id, COUNT(*) AS clicks FROM Clicks GROUP BY user_id) AS c
LEFT JOIN (SELECT user_id, SUM(price * quantity) AS spent FROM Carts GROUP BY user_id) AS k ON c.user_id = k.user_id;
