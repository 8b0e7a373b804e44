-- feature: de-duplication, group by, views
-- changes: updates

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

SELECT `level`, COUNT(*) AS users, MIN(name) AS first_name FROM LatestUsers GROUP BY `level`;
