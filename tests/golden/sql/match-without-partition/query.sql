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
  ORDER BY at_time, k, n
  MEASURES A.k AS k_a, B.k AS k_b, B.at_time AS ended
  ONE ROW PER MATCH
  AFTER MATCH SKIP PAST LAST ROW
  PATTERN (A B)
  DEFINE A AS A.letter = 'a', B AS B.letter = 'b' AND B.k <> A.k
);
