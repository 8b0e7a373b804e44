-- How far each stream is in the tables of this file. Written together with the rows.
CREATE TABLE IF NOT EXISTS footfall_place (
  "group"   TEXT    NOT NULL,
  stream    TEXT    NOT NULL,
  partition INTEGER NOT NULL,
  "offset"  INTEGER NOT NULL, -- the next one to read
  sequence  INTEGER NOT NULL, -- the log's number of the next batch
  log       TEXT    NOT NULL, -- which log that is: in another one the same place means nothing
  PRIMARY KEY ("group", stream, partition)
) WITHOUT ROWID;
