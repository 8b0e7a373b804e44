-- Pages and products seen, by category, in the hour that ends with each minute. The view is the newest hour.

CREATE TABLE Enriched (
  event_type STRING,
  category STRING,
  late BOOLEAN,
  clicked_at TIMESTAMP_LTZ(3) METADATA FROM 'timestamp',
  WATERMARK FOR clicked_at AS clicked_at - INTERVAL '1' SECOND
) WITH ('topic' = 'enriched-click-data');

SELECT window_end, category, COUNT(*) AS `count`
FROM TABLE(HOP(TABLE Enriched, DESCRIPTOR(clicked_at), INTERVAL '1' MINUTE, INTERVAL '1' HOUR))
WHERE late IS NOT TRUE AND event_type IN ('view', 'page')
GROUP BY window_start, window_end, category;
