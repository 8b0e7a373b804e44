-- feature: over aggregates, tumbling windows
-- changes: append

CREATE TABLE Marks (
  name STRING,
  number INT,
  price DECIMAL(10, 2),
  share DOUBLE,
  at_time TIMESTAMP(3),
  WATERMARK FOR at_time AS at_time - INTERVAL '2' SECOND
);

CREATE VIEW Counted AS
SELECT name, at_time, COUNT(*) OVER (PARTITION BY name ORDER BY at_time ROWS BETWEEN 3 PRECEDING AND CURRENT ROW) AS marks
FROM Marks;

SELECT window_start, window_end, name, MAX(marks) AS most, COUNT(*) AS marks
FROM TABLE(TUMBLE(TABLE Counted, DESCRIPTOR(at_time), INTERVAL '5' SECOND))
GROUP BY window_start, window_end, name;
