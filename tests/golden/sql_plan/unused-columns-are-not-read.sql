SELECT page FROM (SELECT *, UPPER(device) AS loud FROM Clicks);
