"""Runs the queries of benchmarks/sql in pyclink, in its own dialect: ``PYTHON benchmarks/sql_pyclink.py FOLDER RUNS``.

For a Python that has pyclink. Prints one JSON object: query to a list of [seconds, rows]. There is no offer pattern:
its MATCH_RECOGNIZE does not take this one. One task: with two, the join gave other rows each time.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import pyclink  # type: ignore[import-not-found]

CLICKS = (
    "CREATE TABLE clicks (user_id VARCHAR, page BIGINT, action VARCHAR, device VARCHAR, event_time BIGINT) WITH ("
    "connector='file', format='json', path='{0}/ClicksMs.ndjson', event_time_column='event_time', "
    "watermark_lag_ms='30000');"
)
USERS = (
    "CREATE TABLE users (user_id VARCHAR, name VARCHAR, level VARCHAR) WITH ("
    "connector='file', format='json', path='{0}/Users.ndjson');"
)
QUERIES = {
    "vip_join": CLICKS
    + USERS
    + "CREATE TABLE made (user_id VARCHAR, name VARCHAR, page BIGINT, action VARCHAR, event_time BIGINT) "
    "WITH (connector='collect'); "
    "INSERT INTO made SELECT users.user_id, users.name, clicks.page, clicks.action, clicks.event_time "
    "FROM clicks INNER JOIN users ON clicks.user_id = users.user_id WHERE users.level = 'PLATINUM' "
    "ALLOW UNBOUNDED STATE",
    "tumbling_count": CLICKS + "CREATE TABLE made (clicks BIGINT, visitors BIGINT) WITH (connector='collect'); "
    "INSERT INTO made SELECT COUNT(*) AS clicks, COUNT(DISTINCT user_id) AS visitors FROM clicks "
    "GROUP BY TUMBLE(event_time, INTERVAL '1' MINUTE)",
    "sessions": CLICKS + "CREATE TABLE made (user_id VARCHAR, clicks BIGINT) WITH (connector='collect'); "
    "INSERT INTO made SELECT user_id, COUNT(*) AS clicks FROM clicks "
    "GROUP BY user_id, SESSION(event_time, INTERVAL '30' MINUTE)",
}


def run(sql: str) -> tuple[float, int]:
    """Seconds of one run, and how many rows came out."""
    with pyclink.Engine(parallelism=1) as engine:
        begun = time.perf_counter()
        engine.execute(sql)
        made = engine.collect("made").read_all()
        engine.await_all(timeout_ms=600_000)
        return time.perf_counter() - begun, made.num_rows


def main() -> None:
    """Run each query several times. What the engine says goes nowhere: it says much."""
    folder, runs = Path(sys.argv[1]), int(sys.argv[2])
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    found = {name: [run(sql.format(folder)) for _ in range(runs)] for name, sql in QUERIES.items()}
    print(json.dumps(found))


if __name__ == "__main__":
    main()
