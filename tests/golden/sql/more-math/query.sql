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
  price * CAST(1.15 AS DECIMAL(3, 2)) AS with_tax,
  price / quantity AS divided,
  quantity * 1.5 AS stretched,
  quantity + CAST(0.5 AS DOUBLE) AS with_double,
  -quantity AS negated,
  EXP(0) AS unit,
  LN(cart_id) AS natural_log,
  LOG10(cart_id * 10) AS decimal_log,
  LOG2(8) AS binary_log,
  ROUND(-2.5) AS away,
  ROUND(price) AS whole,
  ROUND(ts, -3) AS thousands,
  CAST(ts AS INT) AS overflowed,
  CAST(-3.99 AS INT) AS cut,
  CAST(CAST(price AS DOUBLE) AS INT) AS double_cut,
  CAST(cart_id AS SMALLINT) + CAST(1 AS TINYINT) AS small,
  BIN(cart_id) AS bits,
  HEX(cart_id) AS hexadecimal,
  SIN(0) AS zero,
  PI() AS pi_value
FROM Carts WHERE quantity <> 0 OR quantity IS NULL;
