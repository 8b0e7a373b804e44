SELECT a.page, b.page FROM (SELECT * FROM TABLE(TUMBLE(TABLE Clicks, DESCRIPTOR(event_time), INTERVAL '5' MINUTE)) WHERE action = 'cart') AS a
FULL JOIN TABLE(TUMBLE(TABLE Clicks, DESCRIPTOR(event_time), INTERVAL '5' MINUTE)) AS b
ON a.window_start = b.window_start AND a.window_end = b.window_end AND a.user_id = b.user_id;
