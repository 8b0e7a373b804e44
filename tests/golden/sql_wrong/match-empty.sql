-- line: 10
-- column: 12
-- message: matches no rows
-- remedy: A+

SELECT * FROM Clicks MATCH_RECOGNIZE (
  PARTITION BY user_id ORDER BY event_time
  MEASURES A.page AS page
  AFTER MATCH SKIP PAST LAST ROW
  PATTERN (A*?)
  DEFINE A AS A.action = 'cart');
