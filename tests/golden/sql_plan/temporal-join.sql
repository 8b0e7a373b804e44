CREATE VIEW Latest AS SELECT user_id, device, event_time FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY user_id ORDER BY event_time DESC) AS place FROM Clicks) WHERE place = 1;
SELECT c.page, l.device FROM Clicks AS c LEFT JOIN Latest FOR SYSTEM_TIME AS OF c.event_time AS l ON c.user_id = l.user_id;
