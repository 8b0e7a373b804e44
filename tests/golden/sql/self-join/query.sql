-- feature: regular join
-- changes: append

CREATE TABLE Offers (
  user_id STRING,
  offer STRING,
  code STRING,
  offered_at TIMESTAMP(3),
  WATERMARK FOR offered_at AS offered_at - INTERVAL '30' SECOND
);

SELECT a.user_id, a.code AS earlier_code, b.code AS later_code
FROM Offers AS a, Offers AS b WHERE a.user_id = b.user_id AND a.offered_at < b.offered_at;
