-- Clicks with what is known of product and visitor. Times are UTC, as text: 2026-11-22 15:40:00.123Z.
CREATE TABLE IF NOT EXISTS enriched_clicks (
  "timestamp"        text    NOT NULL,
  event_id           text    NOT NULL PRIMARY KEY CHECK (length(event_id) = 32),
  userId             text    NOT NULL CHECK (instr(userId, char(0)) = 0),
  productId          text    NOT NULL CHECK (instr(productId, char(0)) = 0),
  event_type         text    NOT NULL CHECK (instr(event_type, char(0)) = 0),
  original_timestamp integer,
  ip                 text    CHECK (instr(ip, char(0)) = 0),
  userAgent          text    CHECK (instr(userAgent, char(0)) = 0),
  age                integer,
  gender             text    CHECK (instr(gender, char(0)) = 0),
  sessionId          text    CHECK (instr(sessionId, char(0)) = 0),
  page               text    CHECK (instr(page, char(0)) = 0),
  referrer           text    CHECK (instr(referrer, char(0)) = 0),
  late               boolean NOT NULL CHECK (late IN (0, 1)),
  category           text    NOT NULL CHECK (instr(category, char(0)) = 0),
  title              text    NOT NULL CHECK (instr(title, char(0)) = 0),
  birthdate          text,
  country            text    NOT NULL CHECK (instr(country, char(0)) = 0),
  deviceType         text    NOT NULL CHECK (instr(deviceType, char(0)) = 0),
  is_bot             boolean NOT NULL CHECK (is_bot IN (0, 1)),
  is_refresh         boolean NOT NULL CHECK (is_refresh IN (0, 1))
);
