-- The serving store: look-up data and live views. All of it can be loaded, or computed from the log, again.

CREATE TABLE product (
  id          TEXT NOT NULL PRIMARY KEY,
  category    TEXT,
  title       TEXT,
  price       REAL,
  description TEXT,
  image       TEXT
) WITHOUT ROWID;

CREATE TABLE visitor (
  id       TEXT NOT NULL PRIMARY KEY,
  gender   TEXT,
  birthday TEXT -- YYYY-MM-DD
) WITHOUT ROWID;

-- Numbers that only grow: 'lookups' with each load that changed something, 'partials' with each publication.
CREATE TABLE version (
  name   TEXT NOT NULL PRIMARY KEY,
  number INTEGER NOT NULL
) WITHOUT ROWID;
INSERT INTO version VALUES ('lookups', 0), ('partials', 0);

-- Each partition's newest part of each view, as an Arrow IPC stream.
CREATE TABLE partial (
  partition_key TEXT NOT NULL,
  view          TEXT NOT NULL,
  as_of         INTEGER NOT NULL, -- event time, ms
  batch         BLOB NOT NULL,
  PRIMARY KEY (partition_key, view)
);

CREATE TABLE live_view (
  name        TEXT NOT NULL PRIMARY KEY,
  as_of       INTEGER NOT NULL, -- event time, ms
  publication INTEGER NOT NULL, -- the number of the partials that it was composed from
  rows        BLOB NOT NULL     -- a JSON array of objects
);
