"""Turns a number of events into a clickstream file, its look-up files and its NDJSON twin, made once and kept."""

from __future__ import annotations

import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import orjson

from benchmarks.measure import ROOT, environment, footfall

SEED = 1
PLACE = Path(tempfile.gettempdir()) / "footfall-bench"


@dataclass(frozen=True, slots=True)
class Data:
    """The files of one clickstream."""

    events: int
    clicks: Path
    """In the template's TSV layout."""
    products: Path
    users: Path

    @property
    def lookups(self) -> list[str]:
        """The look-up files, as options of a command."""
        return ["--products", str(self.products), "--users", str(self.users)]


def dataset(events: int, *, place: Path = PLACE) -> Data:
    """Generate the clickstream unless it is there."""
    directory = place / f"{events}-{SEED}"
    data = Data(events, directory / "clicks.tsv", directory / "products.json", directory / "users.json")
    if not data.users.exists() or not data.clicks.exists():
        directory.mkdir(parents=True, exist_ok=True)
        command = footfall(
            *("generate", "--events", str(events), "--seed", str(SEED), "--layout", "template"),
            *("--out", data.clicks, "--lookups", directory),
        )
        subprocess.run(command, check=True, env=environment(), cwd=ROOT, stdout=subprocess.DEVNULL)
    return data


def as_ndjson(data: Data) -> Path:
    """The same clicks as JSON lines with just the fields that count: the baseline's input."""
    out = data.clicks.with_suffix(".ndjson")
    if out.exists():
        return out
    partial = out.with_suffix(".part")
    with data.clicks.open("rb") as rows, partial.open("wb") as lines:
        columns = next(rows).rstrip(b"\n").split(b"\t")
        time, ip, page, agent, user = (
            columns.index(name)
            for name in (b"Unix Timestamp", b"IP Address", b"Product Page URL", b"29", b"Visitor Unique ID")
        )
        for row in rows:
            fields = row.rstrip(b"\n").decode().split("\t")
            url = fields[page]
            last = url.rsplit("/", 1)[1]
            click = {
                "ip": fields[ip],
                "original_timestamp": int(fields[time]),
                "productId": last if any(map(str.isdigit, last)) else url,
                "userAgent": fields[agent],
                "userId": fields[user].strip("{}"),
            }
            lines.write(orjson.dumps(click) + b"\n")
    partial.rename(out)
    return out
