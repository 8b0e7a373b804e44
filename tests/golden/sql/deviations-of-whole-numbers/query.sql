-- feature: group by
-- changes: updates

CREATE TABLE Marks (
  name STRING,
  number INT,
  price DECIMAL(10, 2),
  share DOUBLE,
  at_time TIMESTAMP(3),
  WATERMARK FOR at_time AS at_time - INTERVAL '2' SECOND
);

SELECT name, STDDEV_POP(number) AS spread, VAR_POP(number) AS variance, STDDEV_SAMP(number) AS sample_spread, VAR_SAMP(number) AS sample_variance,
  STDDEV_POP(price) AS price_spread, VAR_POP(price) AS price_variance, STDDEV_SAMP(price) AS price_sample_spread, VAR_SAMP(price) AS price_sample_variance,
  STDDEV_POP(CAST(number AS BIGINT)) AS long_spread, VAR_SAMP(CAST(number AS BIGINT)) AS long_variance
FROM Marks GROUP BY name;
