-- feature: statement set, insert into
-- changes: append

CREATE TABLE Clicks (
  user_id STRING,
  page INT,
  action STRING,
  device STRING,
  event_time TIMESTAMP(3),
  WATERMARK FOR event_time AS event_time - INTERVAL '30' SECOND
);

CREATE TABLE CartClicks (user_id STRING, page BIGINT, event_time TIMESTAMP(3));
CREATE TABLE Checkouts (who STRING, price DECIMAL(8, 2));

EXECUTE STATEMENT SET BEGIN
INSERT INTO CartClicks SELECT user_id, page, event_time FROM Clicks WHERE action = 'cart';
INSERT INTO Checkouts (who, price) SELECT user_id, page FROM Clicks WHERE action = 'checkout' AND page < 1000;
END;
