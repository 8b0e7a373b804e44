-- line: 6
-- column: 8
-- message: mixes types
-- remedy: CAST

SELECT CASE WHEN page > 1 THEN 'a' ELSE page END FROM Clicks;
