SELECT user_id, page, place FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY user_id ORDER BY event_time DESC) AS place FROM Clicks) WHERE place = 1;
