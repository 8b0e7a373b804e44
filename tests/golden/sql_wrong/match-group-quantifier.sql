-- line: 10
-- column: 12
-- message: group of variables cannot have a quantifier
-- remedy: A+ B+

SELECT * FROM Clicks MATCH_RECOGNIZE (
  PARTITION BY user_id ORDER BY event_time
  MEASURES A.page AS page
  AFTER MATCH SKIP PAST LAST ROW
  PATTERN ((A B)+ C)
  DEFINE A AS A.action = 'cart');
