"""Other tools read the warehouse while it is written and put together: no error, no half file, nothing twice."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import pyarrow.dataset
import pyarrow.parquet as pq
import pytest

from footfall.sinks.parquet import ParquetWarehouse
from footfall.sinks.parquet.merging import Patience
from footfall.sinks.parquet.warehouse import Limits
from tests.unit.numbered import NAME, Numbers

REFRESHES = 60
ROWS = 40
"""A refresh."""


def by_duckdb(folder: Path) -> tuple[int, int]:
    """How many rows, and how many different ones."""
    glob = folder / "*" / "*.parquet"
    sql = f"SELECT count(*), count(DISTINCT event_id) FROM read_parquet('{glob}', hive_partitioning = true)"
    with duckdb.connect() as connection:
        [(rows, distinct)] = connection.execute(sql).fetchall()
    return rows, distinct


def by_pyarrow(folder: Path) -> tuple[int, int]:
    """The same."""
    ids = pyarrow.dataset.dataset(folder, format="parquet", partitioning="hive").to_table(["event_id"])
    return ids.num_rows, len(ids.column(0).unique())


@dataclass
class Reader:
    """Reads again and again, and notes what it saw."""

    read: Callable[[], tuple[int, int]]
    published: Callable[[], int]
    stop: threading.Event
    reads: int = 0
    wrong: list[str] = field(default_factory=list)

    def run(self) -> None:
        while not self.stop.is_set():
            at_least = self.published()
            try:
                rows, distinct = self.read()
            except Exception as error:  # noqa: BLE001 - any is what this test looks for
                self.wrong.append(repr(error))
                continue
            self.reads += 1
            if rows != distinct:
                self.wrong.append(f"{rows} rows, {distinct} different ones")
            if not at_least <= distinct:
                self.wrong.append(f"{distinct} rows, {at_least} were published before")


@pytest.mark.slow
@pytest.mark.parametrize("tool", [by_duckdb, by_pyarrow])
def test_a_tool_that_reads_all_the_time_meets_no_error_and_sees_nothing_twice(
    tmp_path: Path, tool: Callable[[Path], tuple[int, int]]
) -> None:
    store = ParquetWarehouse(tmp_path, limits=Limits(held=60, patience=Patience(rows=50, many=2)))
    source = Numbers([ROWS, 0], step=ROWS, day=lambda n: n * 7_919 % 4)
    store.refresh(source)
    published, stop = [by_duckdb(tmp_path / NAME)[0]], threading.Event()
    readers = [Reader(lambda: tool(tmp_path / NAME), lambda: published[-1], stop) for _ in range(2)]
    threads = [threading.Thread(target=reader.run) for reader in readers]
    for thread in threads:
        thread.start()
    try:
        for number in range(2, REFRESHES + 1):
            source.ends = [ROWS * number, 0]
            store.refresh(source)
            published.append(sum(pq.read_metadata(path).num_rows for path in (tmp_path / NAME).glob("*/*.parquet")))
    finally:
        stop.set()
        for thread in threads:
            thread.join()

    reads = sum(one.reads for one in readers)
    print(f"{tool.__name__}: {reads} reads during {REFRESHES} refreshes")
    assert [wrong for one in readers for wrong in one.wrong] == []
    assert reads > 10
    assert sum(part.rows for part in store.parts(NAME)) == ROWS * REFRESHES
