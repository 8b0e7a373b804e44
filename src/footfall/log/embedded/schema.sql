-- The manifest of an embedded log. Everything that exists is named here.

CREATE TABLE format (version INTEGER NOT NULL);

CREATE TABLE streams (
    id          INTEGER PRIMARY KEY,
    name        TEXT NOT NULL UNIQUE,
    partitions  INTEGER NOT NULL,
    keep_for_ms INTEGER,               -- NULL: for ever
    keep_bytes  INTEGER                -- NULL: no limit
);

CREATE TABLE partitions (
    stream         INTEGER NOT NULL REFERENCES streams (id),
    partition      INTEGER NOT NULL,
    start_offset   INTEGER NOT NULL DEFAULT 0,   -- the first one kept
    start_sequence INTEGER NOT NULL DEFAULT 0,
    end_offset     INTEGER NOT NULL DEFAULT 0,   -- the next one to be given
    end_sequence   INTEGER NOT NULL DEFAULT 0,
    bytes          INTEGER NOT NULL DEFAULT 0,   -- of the batches kept
    PRIMARY KEY (stream, partition)
) WITHOUT ROWID;

CREATE TABLE segments (
    id    INTEGER PRIMARY KEY AUTOINCREMENT,     -- never given out twice
    path  TEXT NOT NULL UNIQUE,                  -- below segments/
    named INTEGER NOT NULL DEFAULT 0             -- how many batches and state rows lie in it
);
CREATE INDEX segments_unnamed ON segments (id) WHERE named = 0;

CREATE TABLE batches (
    stream      INTEGER NOT NULL,
    partition   INTEGER NOT NULL,
    sequence    INTEGER NOT NULL,                -- 0, 1, 2, ... in its partition
    base_offset INTEGER NOT NULL,                -- of the first row
    rows        INTEGER NOT NULL,
    segment     INTEGER NOT NULL REFERENCES segments (id),
    position    INTEGER NOT NULL,                -- of the first byte in the segment
    length      INTEGER NOT NULL,                -- in bytes
    crc         INTEGER NOT NULL,                -- CRC-32C of these bytes
    appended_ms INTEGER NOT NULL,                -- wall clock
    watermark   INTEGER,                         -- event time, ms; or NULL
    PRIMARY KEY (stream, partition, sequence)
) WITHOUT ROWID;

CREATE TABLE positions (
    "group"   TEXT NOT NULL,
    stream    INTEGER NOT NULL REFERENCES streams (id),
    partition INTEGER NOT NULL,
    "offset"  INTEGER NOT NULL,
    sequence  INTEGER NOT NULL,
    PRIMARY KEY ("group", stream, partition)
) WITHOUT ROWID;

CREATE TABLE state (
    "group"   TEXT NOT NULL,
    partition INTEGER NOT NULL,
    "table"   TEXT NOT NULL,
    number    INTEGER NOT NULL,                  -- 0, 1, 2, ... since the last reset; of merged rows the last
    rows      INTEGER NOT NULL,
    crc       INTEGER NOT NULL,
    bytes     BLOB,                              -- the batch (or batches, if merged), or NULL and then:
    segment   INTEGER REFERENCES segments (id),
    position  INTEGER,
    length    INTEGER,
    PRIMARY KEY ("group", partition, "table", number)
);
