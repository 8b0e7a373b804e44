-- line: 9
-- column: 28
-- message: X is not in the pattern
-- remedy: A, B

SELECT * FROM Clicks MATCH_RECOGNIZE (
  PARTITION BY user_id ORDER BY event_time
  MEASURES A.page AS page
  AFTER MATCH SKIP TO LAST X
  PATTERN (A B)
  DEFINE A AS A.action = 'cart');
