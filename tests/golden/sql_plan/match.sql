SELECT user_id, began, pages FROM Clicks MATCH_RECOGNIZE (
  PARTITION BY user_id ORDER BY event_time
  MEASURES FIRST(A.event_time) AS began, SUM(B.page) AS pages, LAST(C.device) AS unused
  AFTER MATCH SKIP TO NEXT ROW
  PATTERN (A B{2,}? C) WITHIN INTERVAL '30' MINUTE
  DEFINE A AS A.action = 'search', B AS B.page > LAST(B.page, 1), C AS C.action = 'checkout' AND COUNT(B.page) < 9);
