-- feature: views, union all
-- changes: append

CREATE TABLE Clicks (
  user_id STRING,
  page INT,
  action STRING,
  device STRING,
  event_time TIMESTAMP(3),
  WATERMARK FOR event_time AS event_time - INTERVAL '30' SECOND
);

CREATE TABLE Offers (
  user_id STRING,
  offer STRING,
  code STRING,
  offered_at TIMESTAMP(3),
  WATERMARK FOR offered_at AS offered_at - INTERVAL '30' SECOND
);

CREATE VIEW Seen AS SELECT user_id, action AS what, event_time AS at_time FROM Clicks WHERE page < 3;
CREATE VIEW Offered AS SELECT user_id, offer, offered_at FROM Offers;
SELECT * FROM Seen
UNION ALL
SELECT * FROM Offered
UNION ALL
SELECT user_id, 'again', at_time FROM Seen WHERE user_id = 'bob';
