-- feature: hash functions
-- changes: append

CREATE TABLE Clicks (
  user_id STRING,
  page INT,
  action STRING,
  device STRING,
  event_time TIMESTAMP(3),
  WATERMARK FOR event_time AS event_time - INTERVAL '30' SECOND
);

SELECT DISTINCT_USER, MD5(DISTINCT_USER) AS md5_of, SHA1(DISTINCT_USER) AS sha1_of, SHA256(DISTINCT_USER) AS sha256_of,
  SHA2(DISTINCT_USER, 512) AS sha512_of
FROM (SELECT user_id AS DISTINCT_USER, page FROM Clicks) WHERE page = 1;
