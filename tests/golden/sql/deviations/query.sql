-- feature: group by
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

SELECT category, COUNT(*) AS carts, STDDEV_POP(CAST(quantity AS DOUBLE)) AS spread, VAR_POP(CAST(quantity AS DOUBLE)) AS variance,
  STDDEV_SAMP(CAST(quantity AS DOUBLE)) AS sample_spread, VAR_SAMP(CAST(quantity AS DOUBLE)) AS sample_variance
FROM Carts WHERE category <> 'kitchen' GROUP BY category;
