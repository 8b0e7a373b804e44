WITH Carts AS (SELECT user_id, page FROM Clicks WHERE action = 'cart'), Busy (who) AS (SELECT user_id FROM Carts WHERE page > 1)
SELECT * FROM Busy UNION ALL SELECT user_id FROM Carts;
