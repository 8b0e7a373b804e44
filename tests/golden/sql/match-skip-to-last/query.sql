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
    LAST(C.at_time) AS ended,
    COUNT(B.letter) AS bs,
    SUM(B.n) AS sum_b,
    LAST(B.n) AS last_b
  ONE ROW PER MATCH
  AFTER MATCH SKIP TO LAST C
  PATTERN (A B+ C)
  DEFINE
    A AS A.letter = 'a',
    B AS B.letter <> 'c',
    C AS C.letter = 'c'
);
