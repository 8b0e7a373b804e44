CREATE TABLE T (a BIGINT, b STRING, c AS a + 1, d TIMESTAMP_LTZ(3));
INSERT INTO T (d, a) SELECT event_time, page FROM Clicks;
