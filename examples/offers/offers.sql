-- The pattern that Footfall comes with, as Flink SQL: clothing, shoes, other clothing within half an hour.
--
-- An attempt begins at a click on clothing and ends at an offer, at a click that does not fit, or at one too late. A
-- click that ends an attempt may begin the next one; the click of an offer may not. So each click is two rows, half 0
-- and half 1: an attempt that fails ends at half 0, where the next one may begin, and one that gets an offer at half 1.

CREATE TABLE Enriched (
  event_id STRING,
  userId STRING,
  productId STRING,
  event_type STRING,
  age INT,
  gender STRING,
  category STRING,
  is_bot BOOLEAN,
  late BOOLEAN,
  clicked_at TIMESTAMP_LTZ(3) METADATA FROM 'timestamp',
  WATERMARK FOR clicked_at AS clicked_at - INTERVAL '1' SECOND
) WITH ('topic' = 'enriched-click-data');

CREATE VIEW Eligible AS
SELECT event_id, userId, productId, category, gender, clicked_at
FROM Enriched
WHERE late IS NOT TRUE AND NOT is_bot AND event_type <> 'page'
  AND ((gender = 'M' AND age BETWEEN 35 AND 45) OR (gender = 'F' AND age BETWEEN 25 AND 35));

CREATE VIEW Halves AS
SELECT event_id, userId, productId, category, gender, clicked_at, 0 AS half FROM Eligible
UNION ALL
SELECT event_id, userId, productId, category, gender, clicked_at, 1 AS half FROM Eligible;

SELECT userId, CASE gender WHEN 'M' THEN 'offer1' ELSE 'offer2' END AS offer, clicked_at
FROM Halves MATCH_RECOGNIZE (
  PARTITION BY userId
  ORDER BY clicked_at, event_id, half
  MEASURES
    LAST(E.clicked_at) AS clicked_at,
    LAST(E.gender) AS gender,
    LAST(E.half) AS half
  ONE ROW PER MATCH
  AFTER MATCH SKIP TO LAST E
  PATTERN (F X* E)
  DEFINE
    -- The attempt's first click.
    F AS F.half = 0 AND F.category = 'clothing',
    -- A click that goes on: in time, and the same page again, or more clothing, or shoes after clothing, or clothing
    -- after shoes. LAST(X.…, 1) is the click before, and from its half 1 on LAST(X.…, 2).
    X AS (
        X.half = 0
        AND X.clicked_at < F.clicked_at + INTERVAL '30' MINUTE
        AND (
          X.productId = LAST(X.productId, 1)
          OR (LAST(X.category, 1) = 'clothing' AND X.category IN ('clothing', 'shoes'))
          OR (LAST(X.category, 1) = 'shoes' AND X.category = 'clothing')
        )
      )
      OR (
        X.half = 1
        AND (
          LAST(X.category, 2) = 'shoes' AND X.category = 'clothing'
          AND X.productId <> LAST(X.productId, 2) AND X.productId <> F.productId
        ) IS NOT TRUE
      ),
    -- The end: a click that does not go on, or the second half of one that gets the offer.
    E AS (
        E.half = 0
        AND (
          E.clicked_at < F.clicked_at + INTERVAL '30' MINUTE
          AND (
            E.productId = LAST(X.productId)
            OR (LAST(X.category) = 'clothing' AND E.category IN ('clothing', 'shoes'))
            OR (LAST(X.category) = 'shoes' AND E.category = 'clothing')
          )
        ) IS NOT TRUE
      )
      OR (
        E.half = 1
        AND LAST(X.category, 1) = 'shoes' AND E.category = 'clothing'
        AND E.productId <> LAST(X.productId, 1) AND E.productId <> F.productId
      )
)
WHERE half = 1;
