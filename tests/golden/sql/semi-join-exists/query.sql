-- feature: semi join
-- changes: updates

CREATE TABLE Users (
  user_id STRING,
  name STRING,
  `level` STRING,
  changed TIMESTAMP(3)
);

CREATE TABLE Offers (
  user_id STRING,
  offer STRING,
  code STRING,
  offered_at TIMESTAMP(3),
  WATERMARK FOR offered_at AS offered_at - INTERVAL '30' SECOND
);

SELECT u.user_id, u.name FROM Users AS u
WHERE EXISTS (SELECT 1 FROM Offers AS o WHERE o.user_id = u.user_id AND o.offer = 'offer2');
