-- The ten most viewed products of the hour that ends with each minute.

CREATE TABLE Enriched (
  productId STRING,
  event_type STRING,
  category STRING,
  title STRING,
  late BOOLEAN,
  clicked_at TIMESTAMP_LTZ(3) METADATA FROM 'timestamp',
  WATERMARK FOR clicked_at AS clicked_at - INTERVAL '1' SECOND
) WITH ('topic' = 'enriched-click-data');

CREATE VIEW Counts AS
SELECT window_start, window_end, productId, category, title, COUNT(*) AS `count`
FROM TABLE(HOP(TABLE Enriched, DESCRIPTOR(clicked_at), INTERVAL '1' MINUTE, INTERVAL '1' HOUR))
WHERE late IS NOT TRUE AND event_type IN ('view', 'page')
GROUP BY window_start, window_end, productId, category, title;

SELECT window_end, productId, category, title, `count`
FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, window_end ORDER BY `count` DESC, productId) AS place
  FROM Counts
)
WHERE place <= 10;
