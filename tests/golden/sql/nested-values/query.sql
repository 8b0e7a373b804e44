-- feature: projection
-- changes: append

CREATE TABLE Orders (
  id INT,
  buyer ROW<name STRING, age INT>,
  products ARRAY<STRING>,
  tags MAP<STRING, INT>
);

SELECT id, buyer.name AS buyer_name, o.buyer.age + 1 AS next_age, products[1] AS first_product,
  CARDINALITY(products) AS how_many, tags['vip'] AS vip, products, buyer
FROM Orders AS o WHERE id < 4;
