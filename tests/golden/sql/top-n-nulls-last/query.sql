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

SELECT cart_id, quantity, place FROM (
  SELECT *, ROW_NUMBER() OVER (ORDER BY quantity DESC NULLS FIRST, cart_id) AS place FROM Carts
) WHERE place <= 5;
