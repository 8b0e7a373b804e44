-- feature: math functions
-- changes: append

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

SELECT cart_id,
  quantity / 2 AS half,
  -7 / 2 AS negative_half,
  MOD(quantity, 3) AS remainder,
  -7 % 3 AS negative_remainder,
  price * quantity AS total,
  price / 3 AS third,
  price + 1 AS one_more,
  CAST(price AS DOUBLE) / 3 AS third_double,
  ROUND(price, 1) AS rounded,
  ROUND(CAST(price AS DOUBLE), 1) AS rounded_double,
  ABS(price) AS absolute,
  SIGN(price) AS sign_of,
  FLOOR(price) AS lower_whole,
  CEIL(price) AS upper_whole,
  POWER(quantity, 2) AS squared,
  SQRT(quantity) AS root,
  TRUNCATE(price, 1) AS truncated
FROM Carts;
