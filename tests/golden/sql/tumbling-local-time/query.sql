-- feature: tumbling windows, computed columns
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

SELECT category, window_start, window_end, window_time, SUM(price * quantity) AS turnover, COUNT(DISTINCT user_id) AS buyers
FROM TABLE(TUMBLE(TABLE Carts, DESCRIPTOR(put_at), INTERVAL '1' MINUTE))
GROUP BY category, window_start, window_end, window_time;
