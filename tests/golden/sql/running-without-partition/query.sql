-- feature: over aggregates
-- changes: append

CREATE TABLE Marks (
  name STRING,
  number INT,
  price DECIMAL(10, 2),
  share DOUBLE,
  at_time TIMESTAMP(3),
  WATERMARK FOR at_time AS at_time - INTERVAL '2' SECOND
);

SELECT name, at_time, COUNT(*) OVER (ORDER BY at_time RANGE BETWEEN INTERVAL '2' SECOND PRECEDING AND CURRENT ROW) AS marks
FROM Marks;
