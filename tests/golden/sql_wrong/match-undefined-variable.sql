-- line: 11
-- column: 10
-- message: Z is not in the pattern
-- remedy: variables are A, B

SELECT * FROM Clicks MATCH_RECOGNIZE (
  PARTITION BY user_id ORDER BY event_time
  MEASURES A.page AS page
  AFTER MATCH SKIP PAST LAST ROW
  PATTERN (A B)
  DEFINE Z AS A.action = 'cart');
