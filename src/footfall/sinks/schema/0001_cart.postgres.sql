-- What visitors put into the cart. creation_timestamp is UTC.
CREATE TABLE IF NOT EXISTS clickstream_data (
  username           varchar(32)  NOT NULL,
  creation_timestamp timestamp(6) NOT NULL,
  category           varchar(10),
  gender             varchar(10),
  style              varchar(20),
  size               varchar(5),
  hex_color          varchar(8),
  PRIMARY KEY (username, creation_timestamp)
);

-- How far each stream is in the tables of this database. Written together with the rows.
CREATE TABLE IF NOT EXISTS footfall_place (
  "group"   text    NOT NULL,
  stream    text    NOT NULL,
  partition integer NOT NULL,
  "offset"  bigint  NOT NULL, -- the next one to read
  sequence  bigint  NOT NULL, -- the log's number of the next batch
  log       text    NOT NULL, -- which log that is: in another one the same place means nothing
  PRIMARY KEY ("group", stream, partition)
);
