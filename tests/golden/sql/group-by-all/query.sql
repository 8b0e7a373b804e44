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

SELECT COUNT(*) AS carts, COUNT(price) AS priced, SUM(price) AS total, SUM(price * quantity) AS turnover, AVG(price) AS average,
  MIN(price) AS lowest, MAX(price) AS highest, COUNT(DISTINCT product) AS products, SUM(DISTINCT quantity) AS distinct_sum,
  SUM(quantity) AS pieces, MIN(product) AS first_product
FROM Carts;
