-- feature: match_recognize, views
-- changes: append

CREATE TABLE Enriched (
  userId STRING,
  productId STRING,
  category STRING,
  gender STRING,
  age INT,
  `timestamp` TIMESTAMP(3),
  WATERMARK FOR `timestamp` AS `timestamp` - INTERVAL '10' MINUTE
);
CREATE VIEW Eligible AS
SELECT * FROM Enriched WHERE (gender = 'M' AND age BETWEEN 35 AND 45) OR (gender = 'F' AND age BETWEEN 25 AND 35);
SELECT userId, CASE gender WHEN 'M' THEN 'offer1' ELSE 'offer2' END AS offer, completed
FROM Eligible MATCH_RECOGNIZE (
  PARTITION BY userId
  ORDER BY `timestamp`
  MEASURES LAST(L.gender) AS gender, L.`timestamp` AS completed
  ONE ROW PER MATCH
  AFTER MATCH SKIP PAST LAST ROW
  PATTERN (F C* S R* L) WITHIN INTERVAL '30' MINUTE
  DEFINE
    F AS F.category = 'clothing',
    C AS C.category = 'clothing',
    S AS S.category = 'shoes',
    R AS R.productId = S.productId,
    L AS L.category = 'clothing' AND L.productId <> F.productId
);
