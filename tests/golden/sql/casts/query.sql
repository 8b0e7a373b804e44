-- feature: casts
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
  CAST(price AS INT) AS whole,
  CAST(price AS STRING) AS price_text,
  CAST(quantity AS DOUBLE) AS quantity_double,
  CAST(cart_id AS STRING) AS id_text,
  CAST('12' AS INT) + 1 AS thirteen,
  TRY_CAST(product AS INT) AS no_number,
  TRY_CAST('3.7' AS DOUBLE) AS number_text,
  TRY_CAST(category AS DECIMAL(10, 2)) AS no_decimal,
  CAST(price AS DECIMAL(10, 1)) AS shorter,
  CAST(quantity > 1 AS STRING) AS truth,
  CAST('true' AS BOOLEAN) AS yes,
  CAST(put_at AS TIMESTAMP(3)) AS local_time,
  CAST(CAST(put_at AS TIMESTAMP(3)) AS STRING) AS time_text,
  CAST('2026-03-01 10:00:00.5' AS TIMESTAMP(3)) AS read_time,
  CAST(CAST(put_at AS TIMESTAMP(3)) AS DATE) AS day_of
FROM Carts;
