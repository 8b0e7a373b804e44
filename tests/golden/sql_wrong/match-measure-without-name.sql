-- line: 9
-- column: 3
-- message: AFTER cannot stand here
-- remedy: needs a name

SELECT * FROM Clicks MATCH_RECOGNIZE (
  PARTITION BY user_id ORDER BY event_time
  MEASURES A.page
  AFTER MATCH SKIP PAST LAST ROW
  PATTERN (A B)
  DEFINE A AS A.action = 'cart');
