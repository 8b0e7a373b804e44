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

SELECT name, at_time, number,
  COUNT(*) OVER w AS marks, COUNT(DISTINCT number) OVER w AS numbers, SUM(number) OVER w AS total, AVG(number) OVER w AS average,
  MIN(number) OVER w AS least, MAX(number) OVER w AS greatest, SUM(price) OVER w AS price_total, AVG(price) OVER w AS price_average,
  FIRST_VALUE(number) OVER w AS first_number, LAST_VALUE(number) OVER w AS last_number
FROM Marks
WINDOW w AS (PARTITION BY name ORDER BY at_time RANGE BETWEEN INTERVAL '3' SECOND PRECEDING AND CURRENT ROW);
