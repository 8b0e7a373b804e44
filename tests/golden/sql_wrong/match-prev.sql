-- line: 11
-- column: 15
-- message: PREV is not supported
-- remedy: LAST(A.x, 1)

SELECT * FROM Clicks MATCH_RECOGNIZE (
  PARTITION BY user_id ORDER BY event_time
  MEASURES A.page AS page
  AFTER MATCH SKIP PAST LAST ROW
  PATTERN (A B)
  DEFINE A AS PREV(A.action) = 'cart');
