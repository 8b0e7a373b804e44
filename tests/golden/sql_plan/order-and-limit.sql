SELECT device, COUNT(*) AS clicks FROM Clicks GROUP BY device ORDER BY COUNT(*) DESC, device LIMIT 10 OFFSET 5;
