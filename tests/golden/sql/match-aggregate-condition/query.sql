-- feature: match_recognize
-- changes: append

CREATE TABLE Letters (
  k STRING,
  letter STRING,
  n INT,
  at_time TIMESTAMP(3),
  WATERMARK FOR at_time AS at_time - INTERVAL '2' SECOND
);

SELECT *
FROM Letters MATCH_RECOGNIZE (
  PARTITION BY k
  ORDER BY at_time
  MEASURES
    FIRST(A.at_time) AS began,
    LAST(A.at_time) AS last_small,
    SUM(A.n) AS total,
    COUNT(A.n) AS how_many,
    B.n AS breaker
  ONE ROW PER MATCH
  AFTER MATCH SKIP PAST LAST ROW
  PATTERN (A+ B)
  DEFINE
    A AS SUM(A.n) < 9,
    B AS B.n > 1
);
