-- Whom the built-in pattern offers something: clothing, shoes, and other clothing within 30 minutes.
CREATE TABLE Clicks (
  user_id STRING,
  product STRING,
  category STRING,
  gender STRING,
  age INT,
  event_time TIMESTAMP(3),
  WATERMARK FOR event_time AS event_time - INTERVAL '30' SECOND
);
CREATE VIEW Eligible AS
SELECT * FROM Clicks
WHERE (gender = 'M' AND age BETWEEN 35 AND 45) OR (gender = 'F' AND age BETWEEN 25 AND 35);
CREATE TABLE Offers (
  user_id STRING,
  offer STRING,
  completed TIMESTAMP(3)
);

INSERT INTO Offers
SELECT user_id, CASE gender WHEN 'M' THEN 'offer1' ELSE 'offer2' END, completed
FROM Eligible MATCH_RECOGNIZE (
  PARTITION BY user_id
  ORDER BY event_time
  MEASURES LAST(L.gender) AS gender, L.event_time AS completed
  ONE ROW PER MATCH
  AFTER MATCH SKIP PAST LAST ROW
  PATTERN (F C* S R* L) WITHIN INTERVAL '30' MINUTE
  DEFINE
    F AS F.category = 'clothing',
    C AS C.category = 'clothing',
    S AS S.category = 'shoes',
    R AS R.product = S.product,
    L AS L.category = 'clothing' AND L.product <> F.product
);
