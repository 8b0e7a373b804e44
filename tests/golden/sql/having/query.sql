-- feature: having, group by
-- changes: updates

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

SELECT user_id, SUM(price * quantity) AS spent FROM Carts
GROUP BY user_id HAVING SUM(price * quantity) > 20 AND COUNT(*) < 4;
