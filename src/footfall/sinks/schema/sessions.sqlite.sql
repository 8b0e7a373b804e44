-- Visitors' sessions. Times are UTC, as text: 2026-11-22 15:40:00.123Z.
CREATE TABLE IF NOT EXISTS sessions (
  "timestamp"   text    NOT NULL, -- of the last click
  event_id      text    NOT NULL PRIMARY KEY CHECK (length(event_id) = 32),
  userId        text    NOT NULL CHECK (instr(userId, char(0)) = 0),
  "start"       text    NOT NULL, -- of the first click
  "end"         text    NOT NULL, -- of the last click
  clicks        integer NOT NULL,
  refreshes     integer NOT NULL,
  views         integer NOT NULL,
  carts         integer NOT NULL,
  first_product text    NOT NULL CHECK (instr(first_product, char(0)) = 0),
  last_product  text    NOT NULL CHECK (instr(last_product, char(0)) = 0),
  country       text    NOT NULL CHECK (instr(country, char(0)) = 0),
  deviceType    text    NOT NULL CHECK (instr(deviceType, char(0)) = 0),
  is_bot        boolean NOT NULL CHECK (is_bot IN (0, 1))
);
