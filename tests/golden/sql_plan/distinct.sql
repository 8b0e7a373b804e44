SELECT DISTINCT device, action FROM Clicks;
