-- What visitors put into the cart. Lengths count characters; SQLite's length() ends at a NUL, so there may be none.
-- creation_timestamp is UTC, as text: 2026-11-22 15:40:00.123456.
CREATE TABLE IF NOT EXISTS clickstream_data (
  username           varchar(32)  NOT NULL
    CONSTRAINT username_fits CHECK (length(username) <= 32 AND instr(username, char(0)) = 0),
  creation_timestamp timestamp(6) NOT NULL
    CONSTRAINT creation_timestamp_is_a_time CHECK (creation_timestamp GLOB
      '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9] [0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]'),
  category           varchar(10)
    CONSTRAINT category_fits CHECK (length(category) <= 10 AND instr(category, char(0)) = 0),
  gender             varchar(10)
    CONSTRAINT gender_fits CHECK (length(gender) <= 10 AND instr(gender, char(0)) = 0),
  style              varchar(20)
    CONSTRAINT style_fits CHECK (length(style) <= 20 AND instr(style, char(0)) = 0),
  size               varchar(5)
    CONSTRAINT size_fits CHECK (length(size) <= 5 AND instr(size, char(0)) = 0),
  hex_color          varchar(8)
    CONSTRAINT hex_color_fits CHECK (length(hex_color) <= 8 AND instr(hex_color, char(0)) = 0),
  PRIMARY KEY (username, creation_timestamp)
) WITHOUT ROWID;
