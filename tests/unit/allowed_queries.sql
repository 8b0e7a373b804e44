-- Useful queries, one a line, all of which must run: what the list of functions is for.
SELECT count(*), count(DISTINCT offer), min(timestamp), max(timestamp), any_value(userId) FROM special_offers
SELECT offer, count(*) FILTER (pattern = 'sneakers') AS n FROM special_offers GROUP BY offer HAVING n > 0 ORDER BY n DESC LIMIT 5 OFFSET 0
SELECT avg(price), median(price), stddev(price), quantile_cont(price, 0.95), mode(category), sum(price), product(price) FROM products
SELECT category, string_agg(title, ', ' ORDER BY title), array_agg(id), list(title), arg_max(title, price), histogram(category) FROM products GROUP BY category
SELECT approx_count_distinct(userId), approx_quantile(epoch(timestamp), 0.5), bool_and(true), bit_or(1), entropy(offer), corr(1, 2) FROM special_offers
SELECT userId, row_number() OVER (ORDER BY timestamp), rank() OVER w, dense_rank() OVER w, ntile(4) OVER w, lag(offer) OVER w, lead(offer, 2) OVER w, first_value(offer) OVER w, sum(1) OVER (PARTITION BY offer ORDER BY timestamp ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) FROM special_offers WINDOW w AS (ORDER BY timestamp)
SELECT * FROM special_offers QUALIFY row_number() OVER (PARTITION BY offer ORDER BY timestamp DESC) = 1
SELECT percent_rank() OVER w, cume_dist() OVER w, last_value(offer) OVER w, nth_value(offer, 2) OVER w FROM special_offers WINDOW w AS (ORDER BY timestamp)
SELECT date_trunc('hour', timestamp), extract(dow FROM timestamp), date_part('year', timestamp), year(timestamp), month(timestamp), dayname(timestamp), hour(timestamp) FROM special_offers
SELECT timestamp + INTERVAL 1 DAY, timestamp - INTERVAL '2 hours', now() - timestamp, age(timestamp::TIMESTAMP), date_diff('minute', timestamp, now()), timestamp::DATE FROM special_offers
SELECT time_bucket(INTERVAL '15 minutes', timestamp), count(*) FROM special_offers GROUP BY 1
SELECT strftime(timestamp, '%Y-%m-%d %H:%M'), epoch_ms(timestamp), epoch(timestamp), timestamp AT TIME ZONE 'Europe/Berlin' FROM special_offers
SELECT strptime('2024-01-02', '%Y-%m-%d'), make_date(2024, 1, 2), to_timestamp(0), current_date, current_timestamp, today(), last_day(DATE '2024-02-01'), DATE '2024-01-01' + 3, TIMESTAMP '2024-01-01 00:00:00', make_timestamp(2024, 1, 1, 0, 0, 0.0), monthname(DATE '2024-01-01'), isodow(DATE '2024-01-01'), week(DATE '2024-01-01')
SELECT to_days(1), to_hours(2), INTERVAL (1 + 2) MINUTE, date_add(DATE '2024-01-01', INTERVAL 1 DAY), datediff('day', DATE '2024-01-01', DATE '2024-02-01'), yearweek(DATE '2024-01-01'), quarter(DATE '2024-01-01')
SELECT upper(title), lower(title), length(title), trim(title), ltrim(title), replace(title, 'A', 'B'), substring(title FROM 1 FOR 3), left(title, 2), right(title, 2), reverse(title), title || '!', concat(title, id), concat_ws('-', id, title), repeat('x', 3), lpad(id, 5, '0'), position('s' IN title) FROM products
SELECT * FROM products WHERE title LIKE 'A%' AND title ILIKE '%HAT%' OR title SIMILAR TO '.*shoe.*' OR title ~ 'x' OR title NOT LIKE 'z\%' ESCAPE '\'
SELECT regexp_matches(title, 'h.t'), regexp_extract(title, '(h)', 1), regexp_replace(title, 'a', 'b', 'g'), regexp_extract_all(title, '.'), string_split(title, ' '), split_part(title, ' ', 1), starts_with(title, 'A'), contains(title, 'hat'), format('{} is {}', title, price), printf('%05.2f', 1.5), md5(title), sha256(title), levenshtein(title, 'hat'), jaro_winkler_similarity(title, 'hat'), strip_accents(title), url_encode(title), hex(title) FROM products
SELECT ascii('a'), chr(97), unicode('é'), initcap FROM (SELECT 'x' AS initcap)
SELECT abs(-1), round(1.234, 2), ceil(1.5), floor(1.5), sqrt(2), ln(2), log10(100), exp(1), power(2, 3), 2 ** 3, 7 % 3, 7 // 2, greatest(1, 2), least(1, 2), sign(-1), pi(), random() < 2, width FROM (SELECT 1 AS width)
SELECT CASE WHEN price > 10 THEN 'dear' ELSE 'cheap' END, coalesce(price, 0), nullif(price, 0), ifnull(price, 1), if(price > 1, 'a', 'b'), price IS NULL, price IS NOT DISTINCT FROM 1, price BETWEEN 1 AND 2, price IN (1, 2), TRY_CAST(title AS INTEGER), CAST(price AS VARCHAR), typeof(price) FROM products
SELECT matched[1].category, len(matched), matched[1], list_transform(matched, lambda m: m.productId), list_filter(matched, lambda m: m.category = 'shoes'), [m.productId for m in matched if m.category = 'shoes'] FROM special_offers
SELECT [1, 2, 3][2:3], list_sort([3, 1]), list_distinct([1, 1]), list_contains([1], 1), 1 IN [1, 2], array_to_string(['a', 'b'], ','), list_sum([1, 2]), list_reduce([1, 2], lambda a, b: a + b), flatten([[1], [2]]), range(3), generate_series(1, 3), list_zip([1], [2]), list_aggregate([1, 2], 'max'), unnest([1, 2])
SELECT {'a': 1, 'b': 'x'} AS s, s['a'], struct_pack(k := 1), row(1, 2), MAP {'k': 1}['k'], map_keys(MAP {'k': 1}), map_from_entries([('k', 1)]), struct_extract({'a': 1}, 'a'), cardinality(MAP {'k': 1})
SELECT unnest(matched), userId FROM special_offers
SELECT u.m.productId FROM special_offers, unnest(matched) AS u(m)
SELECT json_extract('{"a": [1, 2]}', '$.a[0]'), '{"a": 1}'::JSON ->> 'a', '{"a": 1}'::JSON -> '$.a', json_array_length('[1, 2]'), json_object('a', 1), to_json(s), json_keys('{"a": 1}'), json_type('1'), json_valid('x'), json_group_array(1) FROM (SELECT {'x': 1} AS s) GROUP BY s
SELECT key, value FROM json_each('{"a": 1, "b": 2}')
SELECT * FROM range(10) t(n) JOIN generate_series(1, 5) g(n) USING (n)
WITH a AS (SELECT userId, count(*) AS n FROM special_offers GROUP BY userId), b AS (SELECT * FROM a WHERE n > 0) SELECT avg(n) FROM b
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10) SELECT sum(i) FROM n
SELECT * FROM special_offers JOIN visitors USING (userId) LEFT JOIN products p ON p.id = matched[1].productId
SELECT * FROM products p WHERE EXISTS (SELECT 1 FROM special_offers o WHERE o.matched[1].productId = p.id) AND p.price > ALL (SELECT 0) AND p.id IN (SELECT id FROM products)
SELECT * FROM products p, LATERAL (SELECT count(*) AS n FROM special_offers o WHERE o.matched[1].productId = p.id)
SELECT * FROM special_offers o ASOF JOIN (SELECT timestamp, offer FROM special_offers) x ON o.timestamp >= x.timestamp
SELECT * FROM products ANTI JOIN visitors ON id = userId
SELECT id FROM products UNION ALL SELECT userId FROM visitors EXCEPT SELECT 'a' INTERSECT SELECT 'b' ORDER BY 1
SELECT category, count(*) FROM products GROUP BY ROLLUP (category) ORDER BY ALL
SELECT category, id, grouping(category) FROM products GROUP BY GROUPING SETS ((category), (id), (category, id), ())
SELECT * EXCLUDE (image) REPLACE (upper(title) AS title) RENAME (id AS product) FROM products
SELECT COLUMNS('.*i.*'), COLUMNS(lambda c: c = 'price') FROM products
PIVOT products ON category IN ('shoes', 'hats') USING count(*) GROUP BY price
SELECT * FROM products UNPIVOT (v FOR k IN (title, category))
UNPIVOT products ON title, category INTO NAME k VALUE v
FROM products SELECT title WHERE price IS NULL
SELECT * FROM products TABLESAMPLE 10%
SELECT * FROM products USING SAMPLE 1 ROWS
SELECT DISTINCT ON (category) category, title FROM products ORDER BY category, price DESC NULLS LAST
SELECT title COLLATE NOCASE FROM products ORDER BY title COLLATE DE
SELECT 'a' < 'b', NOT true, true AND false, 1 <> 2, 1 = 1, 5 & 3, 5 | 3, ~5, 1 << 2, xor(5, 3), -1, +1, 'ab' ^@ 'a'
SELECT DATE '2024-01-01' IN (SELECT DATE '2024-01-01'), (SELECT max(price) FROM products), ARRAY(SELECT id FROM products)
VALUES (1, 'a'), (2, 'b')
TABLE products
SELECT main.products.title FROM main.products
SELECT title.upper().lower() FROM products
SHOW TABLES
DESCRIBE sessions
DESCRIBE SELECT 1 AS a
SHOW products
SUMMARIZE products
EXPLAIN SELECT * FROM products
EXPLAIN ANALYZE SELECT count(*) FROM products
SELECT uuid() IS NOT NULL, gen_random_uuid() IS NOT NULL, hash('a'), error IS NULL FROM (SELECT NULL AS error)
SELECT 'shoes' AS category, * FROM (SELECT 1 AS x) POSITIONAL JOIN (SELECT 2 AS y)
SELECT sum(CASE WHEN category = 'shoes' THEN 1 ELSE 0 END)::DOUBLE / count(*) AS share FROM products
SELECT #1, title FROM products ORDER BY #2
