-- line: 9
-- column: 3
-- message: ALL ROWS PER MATCH is not supported
-- remedy: ONE ROW PER MATCH

SELECT * FROM Clicks MATCH_RECOGNIZE (
  PARTITION BY user_id ORDER BY event_time
  MEASURES A.page AS page
  ALL ROWS PER MATCH
  AFTER MATCH SKIP PAST LAST ROW
  PATTERN (A B)
  DEFINE A AS A.action = 'cart');
