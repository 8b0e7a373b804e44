-- feature: time functions
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
  FLOOR(CAST(put_at AS TIMESTAMP(3)) TO SECOND) AS second_begins,
  FLOOR(CAST(put_at AS TIMESTAMP(3)) TO DAY) AS day_begins,
  FLOOR(CAST(put_at AS TIMESTAMP(3)) TO MONTH) AS month_begins,
  FLOOR(CAST(put_at AS TIMESTAMP(3)) TO YEAR) AS year_begins,
  CEIL(CAST(put_at AS TIMESTAMP(3)) TO HOUR) AS hour_ends,
  CEIL(CAST(put_at AS TIMESTAMP(3)) TO DAY) AS day_ends,
  CEIL(CAST(put_at AS TIMESTAMP(3)) TO MONTH) AS month_ends,
  EXTRACT(YEAR FROM put_at) AS year_of,
  EXTRACT(EPOCH FROM put_at) AS epoch,
  EXTRACT(MILLISECOND FROM put_at) AS millisecond_of,
  DAYOFMONTH(CAST(put_at AS DATE)) AS day_of_month,
  HOUR(put_at) AS hour_of,
  MINUTE(put_at) AS minute_of
FROM Carts;
