"""The pipeline and the plain-Python reference agree on every figure, view, session, offer and enriched click.

Files are generated; look-up data is our own catalogue and its users, or the retail data where it is present.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.observing import backfill, clicks, generate, observe, observe_by_commands
from tests.reference import Reference, Result, reference_of_clicks
from tests.reference.comparing import differences, figures_differ, rows_differ, session_row
from tests.reference.reading import read_products, read_users
from tests.rounds import rounds

Lines = list[bytes]
SECONDS = 1
MANY = rounds(400_000, thorough=1_000_000)
LATENESS = 600  # seconds
Made = Callable[..., tuple[Path, Path]]


@pytest.fixture
def made(tmp_path: Path) -> Made:
    """Makes a small clickstream, dense enough for sessions and offers; returns it and its look-up data."""

    def make(*, events: int = 3_000, seed: int = 0, days: int = 1, **more: str | Path) -> tuple[Path, Path]:
        lookups = tmp_path / f"lookups-{seed}"
        file = tmp_path / f"clicks-{seed}-{events}.tsv"
        return generate(file, events=events, seed=seed, days=days, lookups=lookups, **more), lookups

    return make


def expected(lookups: Path, *files: Path) -> Result:
    """The reference's result after these files, one after the other."""
    pipeline = Reference(read_products(lookups / "products.json"), read_users(lookups / "users.json"))
    results = [pipeline.load(file) for file in files]
    return results[-1]


def check(file: Path, lookups: Path, data_dir: Path, *, batch_size: int = 100_000) -> Result:
    """One backfill into an empty directory must hold what the reference says."""
    figures = backfill(file, data_dir=data_dir, lookups=lookups, batch_size=batch_size)
    result = expected(lookups, file)
    assert differences(result, observe(data_dir, figures=figures)) == []
    return result


def rewritten(file: Path, change: Callable[[Lines, random.Random], Lines], *, seed: int = 0) -> Path:
    """The file with its rows (not its header) changed."""
    header, *rows = file.read_bytes().splitlines()
    out = file.with_name(f"{file.stem}-{change.__name__}.tsv")
    out.write_bytes(b"\n".join([header, *change(rows, random.Random(seed))]) + b"\n")
    return out


def time_of(row: bytes) -> int:
    """A generated row's time, in seconds."""
    return int(row.split(b"\t")[1])


def shuffled(rows: Lines, rng: random.Random) -> Lines:
    """Out of order, by less than the lateness."""
    delays = {row: rng.randrange(LATENESS) for row in rows}
    return sorted(rows, key=lambda row: time_of(row) + delays[row])


def with_late_rows(rows: Lines, rng: random.Random) -> Lines:
    """Every tenth row comes up to two hours late."""
    return sorted(rows, key=lambda row: time_of(row) + (rng.randrange(7_200) if rng.random() < 0.1 else 0))


def with_duplicates(rows: Lines, rng: random.Random) -> Lines:
    """Some rows stand there again, soon after or much later."""
    again = [(i + rng.choice([0, 1, 50, 2_000]), row) for i, row in enumerate(rows) if rng.random() < 0.1]
    everything = [*enumerate(rows), *again]
    return [row for _, row in sorted(everything, key=lambda pair: pair[0])]


def with_bad_rows(rows: Lines, rng: random.Random) -> Lines:
    """Some rows are no clicks, each for one reason."""

    def spoil(row: bytes) -> bytes:
        record, time, ip, page, language, agent, title, visitor = row.split(b"\t")
        match rng.randrange(8):
            case 0:
                return row + b"\tmore"
            case 1:
                return b"\t".join([record, b"", ip, page, language, agent, title, visitor])
            case 2:
                return b"\t".join([record, b"noon", ip, page, language, agent, title, visitor])
            case 3:
                return b"\t".join([record, b"99999999999", ip, page, language, agent, title, visitor])
            case 4:
                return b"\t".join([record, time, b"300.1.2.3", page, language, agent, title, visitor])
            case 5:
                return b"\t".join([record, time, ip, page, language, b"Moz\xffilla", title, visitor])
            case 6:
                return b"\t".join([record, time, ip, page, language, b"M" * 9_000, title, visitor])
            case _:
                return b"\t".join([record, time, ip, page, language, agent, title, b"{}"])

    return [changed for row in rows for changed in ([spoil(row), row] if rng.random() < 0.05 else [row])]


def with_everything(rows: Lines, rng: random.Random) -> Lines:
    """All of the above at once."""
    for change in (with_late_rows, with_duplicates, with_bad_rows):
        rows = change(rows, rng)
    return rows


@pytest.mark.parametrize("seed", range(rounds(12, thorough=20)))
def test_a_generated_file_gives_what_the_reference_says(made: Made, tmp_path: Path, seed: int) -> None:
    file, lookups = made(seed=seed, days=(1, 2, 5, 15)[seed % 4])
    result = check(file, lookups, tmp_path / "data")
    assert result.figures.accepted == 3_000
    assert result.figures.sessions > result.figures.open_sessions


def test_the_generated_files_contain_what_is_compared(made: Made) -> None:
    file, lookups = made(seed=1)
    result = expected(lookups, file)
    assert result.offers
    assert result.closed
    assert result.open
    assert {c.device_type for c in result.clicks} >= {"Mobile", "Desktop", "Tablet", "Bot"}
    assert any(c.is_refresh for c in result.clicks)
    assert all(any(row.values()) for rows in result.views.values() for row in rows)


@pytest.mark.parametrize(("batch_size", "events"), [(1, 300), (1, 600), (7, 3_000), (1_000, 3_000), (100_000, 3_000)])
def test_the_batch_size_changes_nothing(made: Made, tmp_path: Path, batch_size: int, events: int) -> None:
    file, lookups = made(events=events, seed=30)
    check(rewritten(file, with_everything), lookups, tmp_path / "data", batch_size=batch_size)


@pytest.mark.parametrize("batch_size", [7, 100_000])
def test_order_within_the_lateness_changes_nothing(made: Made, tmp_path: Path, batch_size: int) -> None:
    file, lookups = made(seed=31)
    mixed = rewritten(file, shuffled)
    result = check(mixed, lookups, tmp_path / "data", batch_size=batch_size)
    sorted_result = expected(lookups, file)
    assert result.figures == sorted_result.figures
    assert result.closed == sorted_result.closed
    assert sorted(result.offers, key=repr) == sorted(sorted_result.offers, key=repr)


@pytest.mark.parametrize(
    "change", [with_late_rows, with_duplicates, with_bad_rows, with_everything], ids=lambda change: change.__name__
)
@pytest.mark.parametrize("seed", [32, 33])
def test_rows_that_are_late_repeated_or_unusable_are_told_apart(
    made: Made, tmp_path: Path, change: Callable[[Lines, random.Random], Lines], seed: int
) -> None:
    file, lookups = made(seed=seed)
    figures = check(rewritten(file, change, seed=seed), lookups, tmp_path / "data").figures
    planted = {"with_late_rows": figures.late, "with_duplicates": figures.duplicates, "with_bad_rows": figures.rejected}
    assert planted.get(change.__name__, min(planted.values())) > 50


def test_a_second_run_adds_nothing(made: Made, tmp_path: Path) -> None:
    file, lookups = made(seed=34)
    file = rewritten(file, with_everything)
    pipeline = Reference(read_products(lookups / "products.json"), read_users(lookups / "users.json"))
    data_dir = tmp_path / "data"
    backfill(file, data_dir=data_dir, lookups=lookups)
    pipeline.load(file)
    before = observe(data_dir)
    figures = backfill(file, data_dir=data_dir, lookups=lookups)
    again = pipeline.load(file)
    assert (figures["accepted"], figures["enriched"], figures["late"]) == (0, 0, 0)
    assert figures_differ(again, figures) == []
    after = observe(data_dir)
    for stream in ("enriched", "sessions", "offers", "failed"):
        assert rows_differ(stream, getattr(before, stream), getattr(after, stream)) == []
    assert after.views == before.views


@pytest.mark.parametrize("change", [None, shuffled, with_everything], ids=["as_is", "shuffled", "with_everything"])
def test_a_file_cut_in_three_gives_what_the_reference_says_after_each_piece(
    made: Made, tmp_path: Path, change: Callable[[Lines, random.Random], Lines] | None
) -> None:
    file, lookups = made(seed=35)
    whole = rewritten(file, change) if change else file
    header, *rows = whole.read_bytes().splitlines()
    cuts = [0, 1_003, 2_001, len(rows)]
    pieces = []
    for begin, end in itertools.pairwise(cuts):
        pieces.append(tmp_path / f"piece-{begin}.tsv")
        pieces[-1].write_bytes(b"\n".join([header, *rows[begin:end]]) + b"\n")
    pipeline = Reference(read_products(lookups / "products.json"), read_users(lookups / "users.json"))
    data_dir = tmp_path / "data"
    for piece in pieces:
        figures = backfill(piece, data_dir=data_dir, lookups=lookups)
        assert differences(pipeline.load(piece), observe(data_dir, figures=figures)) == []
    if change is None:
        at_once, in_pieces = expected(lookups, file), pipeline.take([])
        assert rows_differ("sessions", map(session_row, at_once.closed), map(session_row, in_pieces.closed)) == []
        assert at_once.views == in_pieces.views


def test_the_stream_of_clicks_gives_what_the_reference_says_of_it(made: Made, tmp_path: Path) -> None:
    file, lookups = made(seed=36)
    data_dir = tmp_path / "data"
    backfill(rewritten(file, with_everything), data_dir=data_dir, lookups=lookups)
    known = read_products(lookups / "products.json"), read_users(lookups / "users.json")
    assert differences(reference_of_clicks(clicks(data_dir), *known), observe(data_dir)) == []


def test_what_the_commands_print_is_what_the_reference_says(made: Made, tmp_path: Path) -> None:
    file, lookups = made(seed=36)
    file = rewritten(file, with_everything)
    data_dir = tmp_path / "data"
    figures = backfill(file, data_dir=data_dir, lookups=lookups)
    assert differences(expected(lookups, file), observe_by_commands(data_dir, figures=figures)) == []


def test_the_retail_look_up_data_gives_what_the_reference_says(made: Made, tmp_path: Path, retail_dir: Path) -> None:
    file, lookups = made(events=20_000, seed=37, products=retail_dir / "products.json", users=retail_dir / "users.json")
    for name in ("products.json", "users.json"):
        (lookups / name).write_bytes((retail_dir / name).read_bytes())
    check(file, lookups, tmp_path / "data")


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_a_large_file_gives_what_the_reference_says(made: Made, tmp_path: Path) -> None:
    file, lookups = made(events=MANY // 5, seed=38, days=15)
    check(file, lookups, tmp_path / "data")


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_many_events_give_the_figures_views_sessions_and_offers_of_the_reference(
    made: Made, tmp_path: Path, retail_if_here: Path | None
) -> None:
    retail = {kind: retail_if_here / f"{kind}.json" for kind in ("products", "users")} if retail_if_here else {}
    file, lookups = made(events=MANY, seed=39, days=15, **retail)
    for source in retail.values():
        (lookups / source.name).write_bytes(source.read_bytes())
    data_dir = tmp_path / "data"
    figures = backfill(file, data_dir=data_dir, lookups=lookups)
    result = expected(lookups, file)
    observed = observe(data_dir, figures=figures, enriched=False)
    result.clicks.clear()  # many enriched clicks are compared as figures, fewer row by row, above
    assert differences(result, observed) == []
