-- line: 6
-- column: 40
-- message: text has no end
-- remedy: Close it with '

SELECT page FROM Clicks WHERE action = 'cart;
