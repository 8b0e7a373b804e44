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

SELECT category, product, price FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY category ORDER BY price DESC, cart_id) AS place FROM Carts
) WHERE place <= 2;
