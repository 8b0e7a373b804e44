-- feature: string functions
-- changes: append

CREATE TABLE Users (
  user_id STRING,
  name STRING,
  `level` STRING,
  changed TIMESTAMP(3)
);

SELECT user_id,
  ASCII(user_id) AS code,
  CHR(65) AS letter,
  SUBSTR(name, -3) AS from_end,
  SUBSTRING(name, 0, 2) AS from_zero,
  SUBSTRING(name, 3, 100) AS far,
  STR_TO_MAP('a=1,b=2')['b'] AS from_map,
  TO_BASE64(name) AS packed,
  FROM_BASE64('aGVsbG8=') AS unpacked,
  URL_ENCODE(name) AS encoded,
  URL_DECODE('a%20b') AS decoded,
  PARSE_URL('https://shop.example/p?id=7&x=y', 'QUERY', 'id') AS id_of,
  CONCAT(name, CAST(NULL AS STRING)) AS nothing,
  CONCAT_WS('-', name, CAST(NULL AS STRING), user_id) AS skipped,
  TRANSLATE(user_id, 'abc', 'xyz') AS translated,
  name > 'C' AS behind_c,
  'it''s ' || user_id AS quoted
FROM Users;
