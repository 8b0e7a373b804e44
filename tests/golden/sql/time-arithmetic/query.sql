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

SELECT cart_id, put_at,
  put_at + INTERVAL '1' HOUR AS hour_later,
  CAST(put_at AS TIMESTAMP(3)) - INTERVAL '1-2' YEAR TO MONTH AS long_ago,
  CAST(put_at AS TIMESTAMP(3)) + INTERVAL '1 02:03:04.005' DAY TO SECOND AS exactly,
  TIMESTAMPDIFF(SECOND, TO_TIMESTAMP_LTZ(1772359200, 0), put_at) AS seconds_in,
  TIMESTAMPDIFF(DAY, TIMESTAMP '2026-02-27 23:00:00', CAST(put_at AS TIMESTAMP(3))) AS days,
  TIMESTAMPDIFF(MONTH, TIMESTAMP '2025-12-31 00:00:00', CAST(put_at AS TIMESTAMP(3))) AS months,
  DATE_FORMAT(put_at, 'HH:mm:ss.SSS') AS clock,
  DATE_FORMAT(put_at, 'EEE d MMM') AS spoken,
  UNIX_TIMESTAMP('2026-03-01 10:00:00') AS unix_seconds,
  FROM_UNIXTIME(ts / 1000) AS from_unix,
  TO_TIMESTAMP('2026-03-01 10:00:00') AS read_time,
  TO_TIMESTAMP('01.03.2026 10:00', 'dd.MM.yyyy HH:mm') AS read_format,
  TO_TIMESTAMP('nonsense') AS unreadable,
  TO_DATE('2026-03-01') AS read_date,
  DATE '2026-03-01' + INTERVAL '1' MONTH AS next_month,
  TIMESTAMP '2026-01-31 00:00:00' + INTERVAL '1' MONTH AS end_of_month,
  TIME '10:00:00' AS ten,
  WEEK(DATE '2026-03-01') AS week_of,
  DAYOFWEEK(DATE '2026-03-01') AS first_day,
  put_at > TO_TIMESTAMP_LTZ(1772359260000, 3) AS behind_a_minute
FROM Carts WHERE quantity > 0;
