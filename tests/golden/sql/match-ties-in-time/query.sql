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
  ORDER BY at_time, n
  MEASURES A.n AS a, B.n AS b, C.n AS c
  ONE ROW PER MATCH
  AFTER MATCH SKIP PAST LAST ROW
  PATTERN (A B C)
  DEFINE A AS A.letter = 'a', B AS B.letter = 'b', C AS C.letter = 'c'
);
