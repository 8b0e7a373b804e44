SELECT action, device, COUNT(*) AS clicks FROM Clicks GROUP BY ROLLUP (action, device);
