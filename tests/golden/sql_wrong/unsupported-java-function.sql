-- line: 6
-- column: 22
-- message: JAVA are not supported
-- remedy: LANGUAGE PYTHON

CREATE FUNCTION f AS 'com.shop.F' LANGUAGE JAVA; SELECT f(page) FROM Clicks;
