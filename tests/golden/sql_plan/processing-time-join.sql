CREATE TABLE Looks (user_id STRING, page INT, now_time AS PROCTIME());
SELECT l.page, u.name FROM Looks AS l JOIN Users FOR SYSTEM_TIME AS OF l.now_time AS u ON l.user_id = u.user_id;
