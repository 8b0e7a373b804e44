CREATE TABLE Orders (
  id BIGINT,
  price DECIMAL(10, 2),
  quantity INT,
  total AS price * quantity,
  sent TIMESTAMP_LTZ(3) METADATA FROM 'timestamp' VIRTUAL,
  note STRING,
  WATERMARK FOR sent AS sent - INTERVAL '30' SECOND,
  PRIMARY KEY (id) NOT ENFORCED
) WITH ('connector' = 'upsert-kafka');
SELECT id, total, sent FROM Orders WHERE total > 100;
