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
    FIRST(UP.n) AS lowest,
    LAST(UP.n) AS highest,
    LAST(UP.n, 1) AS last_but_one,
    FIRST(UP.n, 1) AS second_row,
    AVG(UP.n) AS average,
    MIN(UP.letter) AS first_letter,
    DOWN.n AS after_top,
    DOWN.at_time AS ended
  ONE ROW PER MATCH
  AFTER MATCH SKIP TO LAST UP
  PATTERN (UP{2,} DOWN)
  DEFINE
    UP AS LAST(UP.n, 1) IS NULL OR UP.n > LAST(UP.n, 1),
    DOWN AS DOWN.n < LAST(UP.n)
);
