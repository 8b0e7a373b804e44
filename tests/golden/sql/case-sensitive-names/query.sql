-- feature: quoted names
-- changes: append

CREATE TABLE `Table` (
  `Id` INT,
  `id` INT,
  `select` STRING,
  `Select` STRING,
  `1st` INT,
  `with space` STRING,
  `ünïcode` STRING
);

SELECT `Id` + `id` AS `Sum`, `select` || `Select` AS `from`, t.`1st` AS `2nd`, `with space`, `ünïcode` AS `値`
FROM `Table` AS t WHERE `Id` > `id` OR `select` = 'b';
