SELECT page, name FROM Clicks CROSS JOIN Users;
