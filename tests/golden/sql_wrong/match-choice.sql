-- line: 10
-- column: 13
-- message: | in patterns is not supported
-- remedy: OR

SELECT * FROM Clicks MATCH_RECOGNIZE (
  PARTITION BY user_id ORDER BY event_time
  MEASURES A.page AS page
  AFTER MATCH SKIP PAST LAST ROW
  PATTERN ((A | B) C)
  DEFINE A AS A.action = 'cart');
