CREATE VIEW Numbered AS SELECT *, ROW_NUMBER() OVER (PARTITION BY device ORDER BY page) AS place FROM Clicks;
SELECT page FROM (SELECT * FROM Numbered WHERE action = 'cart' AND device <> 'tablet') WHERE place <= 2;
