-- Visits and distinct visitors per minute. The view shows the last 15 minutes, with 0 for a minute without any.

CREATE TABLE Enriched (
  userId STRING,
  late BOOLEAN,
  clicked_at TIMESTAMP_LTZ(3) METADATA FROM 'timestamp',
  WATERMARK FOR clicked_at AS clicked_at - INTERVAL '1' SECOND
) WITH ('topic' = 'enriched-click-data');

SELECT window_start AS `minute`, COUNT(*) AS visits, COUNT(DISTINCT userId) AS visitors
FROM TABLE(TUMBLE(TABLE Enriched, DESCRIPTOR(clicked_at), INTERVAL '1' MINUTE))
WHERE late IS NOT TRUE
GROUP BY window_start, window_end;
