-- feature: string functions
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

SELECT cart_id, product,
  product LIKE 't%' AS begins,
  product LIKE '_u_' AS shape,
  product LIKE '%\_%' ESCAPE '\' AS underscore,
  product SIMILAR TO '(hat|mug)' AS alike,
  REGEXP(product, '^[a-z]+$') AS letters,
  REGEXP_REPLACE(product, '[aeiou]', '*') AS stars,
  REGEXP_EXTRACT(product, '([a-z])([a-z])', 2) AS second_letter,
  SPLIT_INDEX(category, 'o', 1) AS behind_o,
  SPLIT_INDEX(category, 'o', 5) AS nothing,
  LOCATE('o', category) AS place_of_o,
  LOCATE('o', category, 4) AS second_place,
  INSTR(category, 'o') AS again,
  LTRIM(product) || '|' AS left_trimmed,
  RTRIM(product) || '|' AS right_trimmed,
  TRIM(product) || '|' AS trimmed
FROM Carts;
