-- feature: order by time
-- changes: append

CREATE TABLE Marks (
  name STRING,
  number INT,
  price DECIMAL(10, 2),
  share DOUBLE,
  at_time TIMESTAMP(3),
  WATERMARK FOR at_time AS at_time - INTERVAL '2' SECOND
);

SELECT name, number, at_time FROM Marks ORDER BY at_time, number DESC;
