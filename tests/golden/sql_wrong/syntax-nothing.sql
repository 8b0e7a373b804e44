-- line: 6
-- column: 25
-- message: no query
-- remedy: SELECT

-- nothing but a comment
