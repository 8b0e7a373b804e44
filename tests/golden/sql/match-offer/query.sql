-- feature: match_recognize
-- changes: append

CREATE TABLE Looks (
  user_id STRING,
  product STRING,
  category STRING,
  looked_at TIMESTAMP(3),
  WATERMARK FOR looked_at AS looked_at - INTERVAL '10' SECOND
);

SELECT *
FROM Looks MATCH_RECOGNIZE (
  PARTITION BY user_id
  ORDER BY looked_at
  MEASURES
    FIRST(A.product) AS first_product,
    LAST(B.product) AS shoe,
    C.product AS last_product,
    A.looked_at AS began,
    C.looked_at AS completed,
    COUNT(B.product) AS shoes
  ONE ROW PER MATCH
  AFTER MATCH SKIP PAST LAST ROW
  PATTERN (A B+ C) WITHIN INTERVAL '30' MINUTE
  DEFINE
    A AS A.category = 'clothing',
    B AS B.category = 'shoes',
    C AS C.category = 'clothing' AND C.product <> A.product
);
