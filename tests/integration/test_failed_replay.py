"""A file with bad rows of ten kinds: the good ones are in, the bad ones are listed, mended, and in once."""

from __future__ import annotations

import json
import random
import subprocess
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest

from footfall import wiring
from footfall.core.events import CLICKS, ENRICHED
from footfall.engine.figures import totals
from tests.observing import command, environment, events, footfall, json_lines

ROWS: Final = 10_000
EACH: Final = 50
COLUMNS: Final = ("timestamp", "userId", "productId", "event_type", "ip", "userAgent", "age")
START: Final = 1_331_802_000_000
Fields = list[bytes]
Spoiled = Callable[[Fields], bytes]


def joined(fields: Fields) -> bytes:
    return b",".join(fields)


def spoilt(place: int, value: bytes) -> Spoiled:
    """The row with another value in one field."""
    return lambda fields: joined([*fields[:place], value, *fields[place + 1 :]])


KINDS: Final[tuple[tuple[str, Spoiled], ...]] = (
    ("column_count", lambda fields: joined([*fields, b"more"])),
    ("column_count", lambda fields: joined(fields[:-2])),
    ("missing_field", spoilt(1, b"")),
    ("bad_timestamp", spoilt(0, b"noon")),
    ("timestamp_out_of_range", spoilt(0, b"99")),
    ("bad_ip", spoilt(4, b"300.1.2.3")),
    ("bad_encoding", spoilt(5, b"Moz\xffilla")),
    ("bad_value", spoilt(6, b"900")),
    ("field_too_long", spoilt(5, b"M" * 9_000)),
    ("bad_syntax", spoilt(5, b'"Mozilla')),
)


def good(number: int) -> Fields:
    """A row's fields; a click a second, five hundred visitors."""
    own = (str(START + number * 1_000), f"user-{number % 500}", f"P{number % 36}")
    return [field.encode() for field in (*own, "view", "1.2.3.4", "Mozilla", "30")]


def write(file: Path) -> dict[int, tuple[str, bytes]]:
    """Write the file; for each line that is bad, the reason and how it reads when it is right."""
    chosen = random.Random(7).sample(range(ROWS), EACH * len(KINDS))
    kind_of = {number: KINDS[place % len(KINDS)] for place, number in enumerate(chosen)}
    lines = [",".join(COLUMNS).encode()]
    for number in range(ROWS):
        fields = good(number)
        lines.append(kind_of[number][1](fields) if number in kind_of else joined(fields))
    file.write_bytes(b"\n".join(lines) + b"\n")
    return {number + 2: (reason, joined(good(number))) for number, (reason, _) in kind_of.items()}


def listed(data_dir: Path, status: str = "open") -> list[dict[str, Any]]:
    return json_lines(footfall("failed", "list", "--status", status, "--json", "--data-dir", data_dir))


def replayed(data_dir: Path, corrections: Path) -> tuple[int, dict[str, Any]]:
    """The exit code and the figures of one replay."""
    done = subprocess.run(
        command("failed", "replay", "--from", corrections, "--data-dir", data_dir, "--json"),
        capture_output=True,
        text=True,
        env=environment(),
        check=False,
    )
    return done.returncode, json.loads(done.stdout)


def held(data_dir: Path) -> tuple[int, int, int]:
    """Clicks in the log, enriched ones, and accepted ones by the figures."""
    footfall("run", "enrichment", "aggregation", "sessions", "behaviour", "--until-end", "--data-dir", data_dir)
    with wiring.open_log(data_dir) as log:
        partitions = log.info(CLICKS).settings.partitions
        in_log, enriched = (len(list(events(log, stream))) for stream in (CLICKS, ENRICHED))
        return in_log, enriched, totals(log, partitions).accepted


@pytest.mark.slow
def test_bad_rows_of_ten_kinds_are_listed_and_brought_in_exactly_once(tmp_path: Path) -> None:
    file, data_dir = tmp_path / "clicks.csv", tmp_path / "data"
    bad = write(file)
    figures = json.loads(footfall("backfill", file, "--data-dir", data_dir, "--json"))
    assert (figures["events"], figures["accepted"], figures["rejected"]) == (ROWS, ROWS - len(bad), len(bad))

    found = listed(data_dir)
    assert {one["line"]: one["reason"] for one in found} == {line: reason for line, (reason, _) in bad.items()}
    assert len(found) == len(bad) == 500
    assert Counter(one["reason"] for one in found)["column_count"] == 2 * EACH
    assert all(one["detail"] and one["source"] == str(file) for one in found)
    original = file.read_bytes().splitlines()
    assert all(one["raw"].encode() == original[one["line"] - 1] for one in found if "raw" in one)

    mended = tmp_path / "mended.ndjson"
    some, rest = found[:200], found[200:]
    correct = [{"id": one["id"], "raw": bad[one["line"]][1].decode()} for one in some]
    mended.write_text("".join(json.dumps(one) + "\n" for one in [*correct, *rest[:1]]))
    assert replayed(data_dir, mended) == (1, replayed_figures(replayed=200, rejected=1, reasons=replayed_why(rest[0])))

    correct += [{"id": one["id"], "raw": bad[one["line"]][1].decode()} for one in rest]
    mended.write_text("".join(json.dumps(one) + "\n" for one in correct))
    assert replayed(data_dir, mended) == (0, replayed_figures(replayed=300, already=200))
    assert replayed(data_dir, mended) == (0, replayed_figures(already=500))

    assert held(data_dir) == (ROWS, ROWS, ROWS)
    assert listed(data_dir) == []
    assert {one["status"] for one in listed(data_dir, "all")} == {"replayed"}
    again = json.loads(footfall("backfill", file, "--data-dir", data_dir, "--json"))
    assert (again["accepted"], listed(data_dir)) == (0, [])


def replayed_figures(
    *, replayed: int = 0, rejected: int = 0, already: int = 0, reasons: tuple[str, ...] = ()
) -> dict[str, Any]:
    return {
        "replayed": replayed,
        "rejected": rejected,
        "already_replayed": already,
        "reasons": list(reasons),
    }


def replayed_why(one: dict[str, Any]) -> tuple[str, ...]:
    """What is said of an event that is brought in as it was."""
    return (f"{one['id']}: {one['reason']}: {one['detail']}",)
