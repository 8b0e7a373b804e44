-- feature: regular join, group by
-- changes: updates

CREATE TABLE Clicks (
  user_id STRING,
  page INT,
  action STRING,
  device STRING,
  event_time TIMESTAMP(3),
  WATERMARK FOR event_time AS event_time - INTERVAL '30' SECOND
);

CREATE TABLE Users (
  user_id STRING,
  name STRING,
  `level` STRING,
  changed TIMESTAMP(3),
  WATERMARK FOR changed AS changed
);

CREATE VIEW LatestUsers AS
SELECT user_id, name, `level`, changed FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY user_id ORDER BY changed DESC) AS newest FROM Users
) WHERE newest = 1;

SELECT u.`level`, COUNT(*) AS clicks, COUNT(DISTINCT c.user_id) AS visitors, MAX(c.page) AS highest
FROM Clicks AS c JOIN LatestUsers AS u ON c.user_id = u.user_id GROUP BY u.`level`;
