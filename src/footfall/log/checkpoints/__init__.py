"""Where groups keep positions and state when their log does not: in Redis, or in a directory."""
