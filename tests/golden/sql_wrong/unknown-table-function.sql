-- line: 6
-- column: 21
-- message: no table function TUMBEL
-- remedy: TUMBLE

SELECT * FROM TABLE(TUMBEL(TABLE Clicks, DESCRIPTOR(event_time), INTERVAL '1' MINUTE));
