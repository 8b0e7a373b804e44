-- What visitors did in their sessions, by the day on which these began.

CREATE TABLE Enriched (
  userId STRING,
  event_type STRING,
  is_bot BOOLEAN,
  late BOOLEAN,
  clicked_at TIMESTAMP_LTZ(3) METADATA FROM 'timestamp',
  WATERMARK FOR clicked_at AS clicked_at - INTERVAL '1' SECOND
) WITH ('topic' = 'enriched-click-data');

CREATE VIEW Punctual AS
SELECT userId, event_type, is_bot, clicked_at FROM Enriched WHERE late IS NOT TRUE;

-- A session is a bot's if its first click is.
CREATE VIEW Visits AS
SELECT userId, window_start AS began,
  RIGHT(MIN(DATE_FORMAT(clicked_at, 'yyyy-MM-dd HH:mm:ss.SSS') || IF(is_bot, '1', '0')), 1) = '1' AS is_bot,
  COUNT(*) FILTER (WHERE event_type IN ('view', 'page')) AS `views`,
  COUNT(*) FILTER (WHERE event_type = 'cart') AS carts
FROM TABLE(SESSION(TABLE Punctual PARTITION BY userId, DESCRIPTOR(clicked_at), INTERVAL '30' MINUTE))
GROUP BY userId, window_start, window_end;

SELECT CAST(began AS DATE) AS `day`,
  COUNT(*) FILTER (WHERE NOT is_bot) AS sessions,
  COUNT(*) FILTER (WHERE is_bot) AS bots,
  COUNT(*) FILTER (WHERE NOT is_bot AND `views` <= 1 AND carts = 0) AS bounces,
  COALESCE(SUM(`views`) FILTER (WHERE NOT is_bot), 0) AS `views`,
  COUNT(*) FILTER (WHERE NOT is_bot AND carts > 0) AS carted
FROM Visits
GROUP BY CAST(began AS DATE);
