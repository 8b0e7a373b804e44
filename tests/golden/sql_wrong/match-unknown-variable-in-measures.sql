-- line: 8
-- column: 12
-- message: C is not in the pattern
-- remedy: A, B

SELECT * FROM Clicks MATCH_RECOGNIZE (
  PARTITION BY user_id ORDER BY event_time
  MEASURES C.page AS page
  AFTER MATCH SKIP PAST LAST ROW
  PATTERN (A B)
  DEFINE A AS A.action = 'cart');
