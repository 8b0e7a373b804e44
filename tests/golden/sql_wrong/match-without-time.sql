-- line: 6
-- column: 21
-- message: needs ORDER BY a time attribute
-- remedy: WATERMARK

SELECT * FROM Users MATCH_RECOGNIZE (
  ORDER BY name
  MEASURES A.name AS name
  PATTERN (A B)
  DEFINE A AS A.level = 'GOLD');
