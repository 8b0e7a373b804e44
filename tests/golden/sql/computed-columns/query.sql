-- feature: computed columns
-- changes: append

CREATE TABLE Carts (
  cart_id BIGINT,
  user_id STRING,
  price DECIMAL(10, 2),
  quantity INT,
  total AS price * quantity,
  doubled AS quantity * 2,
  ts BIGINT,
  put_at AS TO_TIMESTAMP_LTZ(ts, 3),
  who AS COALESCE(user_id, 'nobody'),
  WATERMARK FOR put_at AS put_at - INTERVAL '5' SECOND
);

SELECT * FROM Carts WHERE doubled > 2 OR total IS NULL;
