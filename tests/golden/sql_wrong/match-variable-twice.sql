-- line: 10
-- column: 16
-- message: A is twice in the pattern
-- remedy: another name

SELECT * FROM Clicks MATCH_RECOGNIZE (
  PARTITION BY user_id ORDER BY event_time
  MEASURES A.page AS page
  AFTER MATCH SKIP PAST LAST ROW
  PATTERN (A B A)
  DEFINE A AS A.action = 'cart');
