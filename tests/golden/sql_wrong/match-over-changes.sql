-- line: 8
-- column: 22
-- message: taken back cannot be matched
-- remedy: directly over a stream

CREATE VIEW Latest AS SELECT user_id, page, event_time FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY user_id ORDER BY event_time DESC) AS n FROM Clicks) WHERE n = 1;
CREATE VIEW Once AS SELECT DISTINCT page, event_time FROM Clicks;
SELECT * FROM Latest MATCH_RECOGNIZE (
  ORDER BY event_time
  MEASURES A.page AS page
  PATTERN (A B)
  DEFINE A AS A.page = 1);
