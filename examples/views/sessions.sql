-- Sessions by the half hour in which they began, once they are over: after 30 minutes without a click.
-- Footfall also ends a session a day after its first click, and counts those that are still open.

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

SELECT `start`, COUNT(*) AS sessions, COUNT(*) FILTER (WHERE is_bot) AS bots
FROM (
  SELECT is_bot,
    CASE
      WHEN EXTRACT(MINUTE FROM began) < 30 THEN FLOOR(began TO HOUR)
      ELSE TIMESTAMPADD(MINUTE, 30, FLOOR(began TO HOUR))
    END AS `start`
  FROM Visits
)
GROUP BY `start`;
