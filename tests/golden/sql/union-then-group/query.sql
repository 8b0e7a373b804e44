-- feature: union all, group by, views
-- changes: updates

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

CREATE VIEW Everything AS
SELECT user_id, 'click' AS what FROM Clicks UNION ALL SELECT user_id, 'offer' FROM Offers;
SELECT user_id, COUNT(*) AS things, COUNT(DISTINCT what) AS kinds FROM Everything GROUP BY user_id;
