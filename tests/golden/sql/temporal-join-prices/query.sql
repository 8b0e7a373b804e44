-- feature: temporal join, de-duplication, computed columns
-- changes: append

CREATE TABLE Carts (
  cart_id BIGINT,
  user_id STRING,
  product STRING,
  quantity INT,
  ts BIGINT,
  put_at AS TO_TIMESTAMP_LTZ(ts, 3),
  WATERMARK FOR put_at AS put_at - INTERVAL '1' HOUR
);
CREATE TABLE Prices (
  product STRING,
  price DECIMAL(10, 2),
  ts BIGINT,
  since AS TO_TIMESTAMP_LTZ(ts, 3),
  WATERMARK FOR since AS since - INTERVAL '1' HOUR
);
CREATE VIEW PriceVersions AS
SELECT product, price, since FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY product ORDER BY since DESC) AS newest FROM Prices
) WHERE newest = 1;
SELECT c.cart_id, c.product, c.quantity * p.price AS total, p.since
FROM Carts AS c JOIN PriceVersions FOR SYSTEM_TIME AS OF c.put_at AS p ON c.product = p.product;
