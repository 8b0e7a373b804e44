-- feature: match_recognize
-- changes: append

CREATE TABLE Clicks (
  user_id STRING,
  page INT,
  action STRING,
  device STRING,
  event_time TIMESTAMP(3),
  WATERMARK FOR event_time AS event_time - INTERVAL '30' SECOND
);
SELECT user_id, began, bought, steps, TIMESTAMPDIFF(SECOND, began, bought) AS seconds_long, UPPER(way) AS first_way
FROM Clicks MATCH_RECOGNIZE (
  PARTITION BY user_id
  ORDER BY event_time
  MEASURES
    S.event_time AS began,
    B.event_time AS bought,
    COUNT(M.page) AS steps,
    FIRST(M.action) AS way
  ONE ROW PER MATCH
  AFTER MATCH SKIP PAST LAST ROW
  PATTERN (S M* B) WITHIN INTERVAL '5' MINUTE
  DEFINE
    S AS S.action IN ('vitrine_nav', 'products', 'product_detail'),
    M AS M.action <> 'checkout',
    B AS B.action = 'checkout'
);
