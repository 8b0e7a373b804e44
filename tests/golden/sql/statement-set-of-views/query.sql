-- feature: statement set, insert into, views
-- changes: append

CREATE TABLE Clicks (
  user_id STRING,
  page INT,
  action STRING,
  device STRING,
  event_time TIMESTAMP(3),
  WATERMARK FOR event_time AS event_time - INTERVAL '30' SECOND
);

CREATE TABLE Offers (
  user_id STRING,
  offer STRING,
  code STRING,
  offered_at TIMESTAMP(3),
  WATERMARK FOR offered_at AS offered_at - INTERVAL '30' SECOND
);

CREATE TABLE Mobile (user_id STRING, page INT);
CREATE TABLE Codes (code STRING);
CREATE TABLE Minutes (begins TIMESTAMP(3), clicks BIGINT);
CREATE VIEW MobileClicks AS SELECT * FROM Clicks WHERE device = 'mobile';

EXECUTE STATEMENT SET BEGIN
INSERT INTO Mobile SELECT user_id, CASE WHEN page > 5 THEN 5 ELSE page END FROM MobileClicks;
INSERT INTO Codes SELECT code FROM Offers WHERE code IS NOT NULL;
INSERT INTO Minutes
SELECT window_start, COUNT(*)
FROM TABLE(TUMBLE(TABLE MobileClicks, DESCRIPTOR(event_time), INTERVAL '1' MINUTE))
GROUP BY window_start, window_end;
END;
