-- feature: quoted names
-- changes: append

CREATE TABLE `Page Views` (
  `user` STRING,
  `User` INT,
  `time` TIMESTAMP(3),
  `a``b` STRING,
  `order` INT
);

SELECT `user`, `User` AS `Übername`, `a``b` AS `select`, `order` + `User` AS `group by`, pv.`time`
FROM `Page Views` AS pv WHERE `user` <> 'x;--y';
