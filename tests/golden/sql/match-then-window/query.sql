-- feature: match_recognize, tumbling windows, views
-- changes: append

CREATE TABLE Looks (
  user_id STRING,
  product STRING,
  category STRING,
  looked_at TIMESTAMP(3),
  WATERMARK FOR looked_at AS looked_at - INTERVAL '10' SECOND
);

WITH Bought AS (
  SELECT user_id, shoe, rowtime_of FROM Looks MATCH_RECOGNIZE (
    PARTITION BY user_id
    ORDER BY looked_at
    MEASURES LAST(S.product) AS shoe, MATCH_ROWTIME() AS rowtime_of
    ONE ROW PER MATCH
    AFTER MATCH SKIP PAST LAST ROW
    PATTERN (A S)
    DEFINE A AS A.category = 'clothing', S AS S.category = 'shoes'
  )
)
SELECT window_start, window_end, COUNT(*) AS found_ones
FROM TABLE(TUMBLE(TABLE Bought, DESCRIPTOR(rowtime_of), INTERVAL '2' MINUTE))
GROUP BY window_start, window_end;
