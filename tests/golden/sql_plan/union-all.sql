SELECT page, event_time FROM Clicks WHERE page = 1 UNION ALL SELECT page + 1, event_time FROM Clicks UNION ALL SELECT page, event_time FROM Clicks;
