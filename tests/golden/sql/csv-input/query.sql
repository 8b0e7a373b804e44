-- feature: projection, casts
-- changes: append

CREATE TABLE Prices (
  product STRING,
  price DECIMAL(8, 3),
  since TIMESTAMP(3),
  active BOOLEAN,
  stock BIGINT
);

SELECT product, price * stock AS worth, since, NOT active AS gone, stock FROM Prices;
