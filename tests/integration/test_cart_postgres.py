"""From the cart's form to a row in PostgreSQL, read with plain psql."""

from __future__ import annotations

import secrets
import shutil
import subprocess
import threading
from pathlib import Path

from footfall import wiring
from footfall.core.clock import SystemClock
from footfall.core.events import CART
from footfall.core.progress import unheard
from footfall.engine.sinking import SINKS, Sinking
from footfall.sinks.postgres import PostgresTables
from tests.integration.shopping import hidden, shopping
from tests.servers.postgres import Postgres
from tests.servers.process import not_here

CHOICE = {
    "username": "ann \u00e9",
    "category": "shoes",
    "gender": "Female",
    "style": "Sporty",
    "size": "39",
    "hex_color": "#1F3A5F",
}


def psql(url: str, sql: str) -> str:
    """What an operator sees, without the frame."""
    program = shutil.which("psql")
    if program is None:
        not_here("psql", "on Debian, install the package postgresql-client")
    line = [str(program), url, "--no-psqlrc", "--no-align", "--tuples-only", "-c", sql]
    return subprocess.run(line, capture_output=True, text=True, check=True, timeout=30).stdout


def sink_to_the_end(data_dir: Path, url: str) -> dict[str, int]:
    """All selections into their table."""
    with wiring.open_log(data_dir) as log, PostgresTables(url) as target:
        random = secrets.token_bytes
        sinking = Sinking(sink=SINKS["cart"], log=log, target=target, clock=SystemClock(), random=random, beat=unheard)
        return sinking.run(threading.Event(), until_end=True)


def test_what_was_put_into_the_cart_is_a_row_that_psql_shows(tmp_path: Path, postgres: Postgres) -> None:
    url = postgres.database()
    with shopping(tmp_path) as shop:
        ada = shop.shopper()
        form = hidden("form", ada.get("/cart?username=ann"))
        for _ in range(2):  # the form is sent twice
            ada.post("/cart", form=form, **CHOICE)
        first, _second = shop.rows(CART)

    done = sink_to_the_end(tmp_path, url)

    assert done == {"events": 2, "rows": 1, "repeated": 1, "rejected": 0}
    [row] = psql(url, "select * from clickstream_data").splitlines()
    username, created, *rest = row.split("|")
    assert [username, *rest] == list(CHOICE.values())
    assert created == first["creation_timestamp"].replace("T", " ").rstrip("0").rstrip(".")
    assert psql(url, "select version from footfall_schema order by version").split() == ["1", "2"]
