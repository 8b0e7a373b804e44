-- feature: outer join
-- changes: updates

CREATE TABLE Offers (
  user_id STRING,
  offer STRING,
  code STRING,
  offered_at TIMESTAMP(3),
  WATERMARK FOR offered_at AS offered_at - INTERVAL '30' SECOND
);

CREATE TABLE Users (
  user_id STRING,
  name STRING,
  `level` STRING,
  changed TIMESTAMP(3)
);

SELECT o.user_id AS offered_to, o.code, u.user_id, u.`level`
FROM Offers AS o FULL OUTER JOIN Users AS u ON o.user_id = u.user_id AND u.`level` <> 'SILVER';
