-- feature: string functions
-- changes: append

CREATE TABLE Users (
  user_id STRING,
  name STRING,
  `level` STRING,
  changed TIMESTAMP(3)
);

SELECT user_id,
  CHAR_LENGTH(name) AS length,
  UPPER(name) AS capitals,
  LOWER(name) AS small,
  SUBSTRING(name, 2, 3) AS middle,
  SUBSTRING(name FROM 3) AS ending,
  TRIM(BOTH 'a' FROM LOWER(name)) AS trimmed,
  POSITION('a' IN name) AS first_a,
  REPLACE(name, 'o', '0') AS replaced,
  user_id || '/' || name AS joined,
  CONCAT(user_id, '-', name) AS concatenated,
  CONCAT_WS(',', user_id, name, `level`) AS listed,
  LPAD(user_id, 5, '.') AS padded,
  RPAD(user_id, 2, '.') AS cut,
  INITCAP(`level`) AS titled,
  REVERSE(user_id) AS backwards,
  LEFT(name, 2) AS first_two,
  RIGHT(name, 2) AS last_two,
  REPEAT(user_id, 2) AS twice,
  OVERLAY(user_id PLACING 'XX' FROM 2 FOR 1) AS overlaid
FROM Users;
