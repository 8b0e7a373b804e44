-- Who was offered what, and the clicks that led to it. Times are UTC, as text: 2026-11-22 15:40:00.123Z.
CREATE TABLE IF NOT EXISTS offers (
  "timestamp" text NOT NULL, -- of the click that completed the pattern
  event_id    text NOT NULL PRIMARY KEY CHECK (length(event_id) = 32),
  userId      text NOT NULL CHECK (instr(userId, char(0)) = 0),
  offer       text NOT NULL CHECK (instr(offer, char(0)) = 0),
  pattern     text NOT NULL CHECK (instr(pattern, char(0)) = 0),
  -- JSON. An escaped NUL is one all the same, unless the backslash is escaped itself.
  matched     text NOT NULL CHECK (json_valid(matched) AND instr(replace(matched, '\\', ''), '\u0000') = 0)
);
