-- line: 7
-- column: 8
-- message: no column pge
-- remedy: Did you mean page?

SELECT user_id,
       pge FROM Clicks;
