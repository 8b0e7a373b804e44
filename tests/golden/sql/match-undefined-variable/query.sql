-- feature: match_recognize
-- changes: append

CREATE TABLE Letters (
  k STRING,
  letter STRING,
  n INT,
  at_time TIMESTAMP(3),
  WATERMARK FOR at_time AS at_time - INTERVAL '2' SECOND
);

SELECT T.k, T.before_letter, T.at_c
FROM Letters
MATCH_RECOGNIZE (
  PARTITION BY k
  ORDER BY at_time
  MEASURES ANYTHING.letter AS before_letter, C.at_time AS at_c
  ONE ROW PER MATCH
  AFTER MATCH SKIP PAST LAST ROW
  PATTERN (ANYTHING C)
  DEFINE C AS C.letter = 'c'
) AS T WHERE T.before_letter <> 'c';
