-- The ten visitors who clicked last: the latest row of each visitor, and of these the ten newest.

CREATE TABLE Enriched (
  userId STRING,
  ip STRING,
  country STRING,
  late BOOLEAN,
  clicked_at TIMESTAMP_LTZ(3) METADATA FROM 'timestamp',
  WATERMARK FOR clicked_at AS clicked_at - INTERVAL '1' SECOND
) WITH ('topic' = 'enriched-click-data');

CREATE VIEW Latest AS
SELECT userId, ip, country, clicked_at
FROM (
  SELECT userId, ip, country, clicked_at, ROW_NUMBER() OVER (PARTITION BY userId ORDER BY clicked_at DESC) AS place
  FROM Enriched
  WHERE late IS NOT TRUE
)
WHERE place = 1;

SELECT clicked_at, userId, ip, country
FROM (
  SELECT clicked_at, userId, ip, country, ROW_NUMBER() OVER (ORDER BY clicked_at DESC, userId) AS place
  FROM Latest
)
WHERE place <= 10;
