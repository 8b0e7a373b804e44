-- The columns have the names of their stream's fields, without quotes: userId and userid are the same.

-- Clicks with what is known of product and visitor.
CREATE TABLE IF NOT EXISTS enriched_clicks (
  timestamp          timestamptz NOT NULL,
  event_id           uuid        NOT NULL PRIMARY KEY,
  userId             text        NOT NULL,
  productId          text        NOT NULL,
  event_type         text        NOT NULL,
  original_timestamp bigint,
  ip                 text,
  userAgent          text,
  age                integer,
  gender             text,
  sessionId          text,
  page               text,
  referrer           text,
  late               boolean     NOT NULL,
  category           text        NOT NULL,
  title              text        NOT NULL,
  birthdate          date,
  country            text        NOT NULL,
  deviceType         text        NOT NULL,
  is_bot             boolean     NOT NULL,
  is_refresh         boolean     NOT NULL
);

-- Visitors' sessions.
CREATE TABLE IF NOT EXISTS sessions (
  timestamp     timestamptz NOT NULL, -- of the last click
  event_id      uuid        NOT NULL PRIMARY KEY,
  userId        text        NOT NULL,
  "start"       timestamptz NOT NULL, -- of the first click
  "end"         timestamptz NOT NULL, -- of the last click
  clicks        integer     NOT NULL,
  refreshes     integer     NOT NULL,
  views         integer     NOT NULL,
  carts         integer     NOT NULL,
  first_product text        NOT NULL,
  last_product  text        NOT NULL,
  country       text        NOT NULL,
  deviceType    text        NOT NULL,
  is_bot        boolean     NOT NULL
);

-- Who was offered what, and the clicks that led to it.
CREATE TABLE IF NOT EXISTS offers (
  timestamp timestamptz NOT NULL, -- of the click that completed the pattern
  event_id  uuid        NOT NULL PRIMARY KEY,
  userId    text        NOT NULL,
  offer     text        NOT NULL,
  pattern   text        NOT NULL,
  matched   json        NOT NULL
);
