-- line: 6
-- column: 8
-- message: no column Page
-- remedy: Did you mean page? Capitals count.

SELECT Page FROM Clicks;
