-- Distinct visitors by device type, and all of them, in the ten minutes that end with each minute.

CREATE TABLE Enriched (
  userId STRING,
  deviceType STRING,
  late BOOLEAN,
  clicked_at TIMESTAMP_LTZ(3) METADATA FROM 'timestamp',
  WATERMARK FOR clicked_at AS clicked_at - INTERVAL '1' SECOND
) WITH ('topic' = 'enriched-click-data');

CREATE VIEW Punctual AS
SELECT userId, deviceType, clicked_at FROM Enriched WHERE late IS NOT TRUE;

SELECT window_end, deviceType, COUNT(DISTINCT userId) AS visitors
FROM TABLE(HOP(TABLE Punctual, DESCRIPTOR(clicked_at), INTERVAL '1' MINUTE, INTERVAL '10' MINUTE))
GROUP BY window_start, window_end, deviceType
UNION ALL
SELECT window_end, 'total' AS deviceType, COUNT(DISTINCT userId) AS visitors
FROM TABLE(HOP(TABLE Punctual, DESCRIPTOR(clicked_at), INTERVAL '1' MINUTE, INTERVAL '10' MINUTE))
GROUP BY window_start, window_end;
