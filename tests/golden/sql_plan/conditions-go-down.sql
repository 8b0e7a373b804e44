CREATE VIEW Carts AS SELECT user_id, page * 2 AS twice, action FROM Clicks WHERE action = 'cart';
SELECT u.name, c.twice FROM (SELECT * FROM Carts WHERE twice > 4) AS c, Users AS u
WHERE c.user_id = u.user_id AND u.level IN ('GOLD', 'PLATINUM') AND (u.level = 'GOLD' OR c.twice > 10);
