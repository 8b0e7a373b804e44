-- feature: projection, union all
-- changes: append

CREATE TABLE Clicks (
  user_id STRING,
  page INT,
  action STRING,
  device STRING,
  event_time TIMESTAMP(3),
  WATERMARK FOR event_time AS event_time - INTERVAL '30' SECOND
);

SELECT user_id, 1 AS unit, 'text' AS text_value, TRUE AS yes, CAST(NULL AS INT) AS nothing, 1.50 AS amount, 2E0 AS double_value,
  TIMESTAMP '2026-03-01 10:00:00.123' AS at_time, DATE '2026-03-01' AS day_of
FROM Clicks WHERE page = 7
UNION ALL
SELECT * FROM (VALUES ('direct', 2, 'value', FALSE, 3, 2.25, 3E0, TIMESTAMP '2026-03-01 10:00:01.000', DATE '2026-03-02')) AS v;
