-- line: 6
-- column: 40
-- message: " is no quote
-- remedy: single quotes

SELECT page FROM Clicks WHERE action = "cart";
