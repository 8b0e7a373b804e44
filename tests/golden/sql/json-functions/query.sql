-- feature: json functions
-- changes: append

CREATE TABLE Events (
  id INT,
  properties STRING
);

SELECT id,
  JSON_VALUE(properties, '$.user') AS who,
  JSON_VALUE(properties, '$.cart.total' RETURNING DOUBLE) AS total,
  JSON_VALUE(properties, '$.items[1].sku') AS second_sku,
  JSON_VALUE(properties, '$.missing' DEFAULT 'none' ON EMPTY) AS missing,
  JSON_VALUE(properties, 'lax $.items' NULL ON ERROR) AS not_a_value,
  JSON_EXISTS(properties, '$.cart') AS has_cart,
  JSON_QUERY(properties, '$.items') AS items,
  properties IS JSON AS valid,
  properties IS JSON OBJECT AS is_object
FROM Events;
