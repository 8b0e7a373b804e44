-- feature: time functions
-- changes: append

CREATE TABLE Clicks (
  user_id STRING,
  page INT,
  action STRING,
  device STRING,
  event_time TIMESTAMP(3),
  WATERMARK FOR event_time AS event_time - INTERVAL '30' SECOND
);

SELECT user_id, event_time,
  EXTRACT(HOUR FROM event_time) AS hour_of,
  EXTRACT(MINUTE FROM event_time) AS minute_of,
  EXTRACT(SECOND FROM event_time) AS second_of,
  EXTRACT(DOW FROM event_time) AS day_of_week,
  EXTRACT(DOY FROM event_time) AS day_of_year,
  FLOOR(event_time TO MINUTE) AS minute_begins,
  CEIL(event_time TO MINUTE) AS minute_ends,
  FLOOR(event_time TO HOUR) AS hour_begins,
  TIMESTAMPDIFF(SECOND, TIMESTAMP '2026-03-01 10:00:00', event_time) AS seconds_since,
  TIMESTAMPDIFF(MINUTE, event_time, TIMESTAMP '2026-03-01 10:00:30') AS minutes_until,
  TIMESTAMPADD(DAY, 1, event_time) AS tomorrow,
  TIMESTAMPADD(MONTH, -1, event_time) AS last_month,
  DATE_FORMAT(event_time, 'yyyy-MM-dd HH:mm') AS formatted,
  event_time + INTERVAL '90' SECOND AS later,
  event_time - INTERVAL '1' DAY AS earlier,
  YEAR(event_time) AS year_of,
  QUARTER(event_time) AS quarter_of
FROM Clicks;
