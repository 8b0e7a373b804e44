-- line: 6
-- column: 8
-- message: UPPER takes 1 argument
-- remedy: UPPER(text)

SELECT UPPER(action, device) FROM Clicks;
