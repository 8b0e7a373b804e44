SELECT -page % 3, NOT (page BETWEEN 1 AND 2), action || '/' || device, CASE device WHEN 'tablet' THEN 1 END, TRIM(LEADING 'x' FROM action),
  CAST(page AS DECIMAL(5, 1)) / 3, event_time + INTERVAL '1-6' YEAR TO MONTH, EXTRACT(HOUR FROM event_time), action LIKE 'a!%' ESCAPE '!', page IN (1, 2, 3),
  ARRAY[page, 2][1], device IS NOT DISTINCT FROM NULL, TIMESTAMPDIFF(DAY, event_time, DATE '2026-01-01') FROM Clicks;
