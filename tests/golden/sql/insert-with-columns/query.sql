-- feature: insert into, casts
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

CREATE TABLE Sold (
  buyer STRING,
  day_of DATE,
  price DECIMAL(6, 1),
  quantity BIGINT,
  note STRING
);
INSERT INTO Sold (price, buyer, quantity)
SELECT price, user_id, quantity FROM Carts WHERE price > 0;
