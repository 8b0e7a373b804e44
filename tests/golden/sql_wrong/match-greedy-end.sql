-- line: 10
-- column: 14
-- message: last variable of a pattern must not be greedy
-- remedy: B+?

SELECT * FROM Clicks MATCH_RECOGNIZE (
  PARTITION BY user_id ORDER BY event_time
  MEASURES A.page AS page
  AFTER MATCH SKIP PAST LAST ROW
  PATTERN (A B+)
  DEFINE A AS A.action = 'cart');
