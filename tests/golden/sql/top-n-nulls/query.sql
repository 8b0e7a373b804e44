-- feature: top-n
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

SELECT user_id, quantity, cart_id, place FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY user_id ORDER BY quantity ASC, cart_id DESC) AS place FROM Carts
) WHERE place <= 2;
