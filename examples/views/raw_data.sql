-- The latest 100 clicks, late ones too.

CREATE TABLE Enriched (
  event_id STRING,
  userId STRING,
  productId STRING,
  category STRING,
  title STRING,
  late BOOLEAN,
  clicked_at TIMESTAMP_LTZ(3) METADATA FROM 'timestamp',
  WATERMARK FOR clicked_at AS clicked_at - INTERVAL '1' SECOND
) WITH ('topic' = 'enriched-click-data');

SELECT clicked_at, event_id, userId, productId, category, title, late IS TRUE AS late
FROM (
  SELECT *, ROW_NUMBER() OVER (ORDER BY clicked_at DESC, event_id DESC) AS place
  FROM Enriched
)
WHERE place <= 100;
