SELECT UPPER(device) AS device, COUNT(*) AS clicks, COUNT(DISTINCT user_id) AS visitors, SUM(page) FILTER (WHERE action = 'cart') AS carts,
  LISTAGG(action, ' > ') AS way, MAX(page) + 1 AS beyond
FROM Clicks WHERE page > 0 GROUP BY UPPER(device);
