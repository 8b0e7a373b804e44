"""Turns the serving store's promises into one SQLite file, ``serving.db``, that many processes share."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import apsw
import msgspec
import pyarrow as pa

from footfall.core.events import Batch
from footfall.stores.base import (
    PIPELINE,
    Counts,
    Loaded,
    ProductFacts,
    ProductRow,
    Progress,
    Published,
    PutViews,
    Row,
    UserRow,
    VisitorFacts,
)
from footfall.stores.embedded.opening import open_file, our_errors, roll_back

_EXPORT: Final = 10_000  # rows a batch


@dataclass(frozen=True, slots=True)
class _Table:
    """A table of look-up data, with its id first."""

    schema: pa.Schema
    find: str
    put: str
    export: str
    """The next rows after an id."""


_PRODUCT: Final = _Table(
    schema=pa.schema(
        {
            "id": pa.string(),
            "category": pa.string(),
            "title": pa.string(),
            "price": pa.float64(),
            "description": pa.string(),
            "image": pa.string(),
        }
    ),
    find="SELECT id, category, title, price, description, image FROM product WHERE id = ?",
    put="INSERT OR REPLACE INTO product (id, category, title, price, description, image) VALUES (?, ?, ?, ?, ?, ?)",
    export="SELECT id, category, title, price, description, image FROM product WHERE id > ? ORDER BY id LIMIT ?",
)
_VISITOR: Final = _Table(
    schema=pa.schema([("userId", pa.string()), ("gender", pa.string()), ("birthday", pa.string())]),
    find="SELECT id, gender, birthday FROM visitor WHERE id = ?",
    put="INSERT OR REPLACE INTO visitor (id, gender, birthday) VALUES (?, ?, ?)",
    export="SELECT id, gender, birthday FROM visitor WHERE id > ? ORDER BY id LIMIT ?",
)


class EmbeddedStore:
    """The serving store of one data directory. See ``stores.base.ServingStore`` for what it promises."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / "serving.db"
        self._lock = threading.RLock()
        self._db = open_file(directory, self.path)

    def load_products(self, rows: Iterable[ProductRow], *, progress: Progress | None = None) -> Loaded:
        """Add or replace products."""
        values = ((r.id, r.category, r.title, r.price, r.description, r.image) for r in rows)
        return self._load(_PRODUCT, values, progress)

    def load_users(self, rows: Iterable[UserRow], *, progress: Progress | None = None) -> Loaded:
        """Add or replace visitors."""
        return self._load(_VISITOR, ((r.userId, r.gender, r.birthday) for r in rows), progress)

    def products(self, ids: Sequence[str]) -> list[ProductFacts | None]:
        """The category and title of each of these products."""
        return self._look_up(
            "SELECT t.id, category, title FROM json_each(?) AS asked CROSS JOIN product AS t ON t.id = value", ids
        )

    def visitors(self, user_ids: Sequence[str]) -> list[VisitorFacts | None]:
        """The gender and birthday of each of these visitors."""
        return self._look_up(
            "SELECT t.id, gender, birthday FROM json_each(?) AS asked CROSS JOIN visitor AS t ON t.id = value", user_ids
        )

    def all_products(self) -> Iterator[Batch]:
        """All products, by id."""
        return self._export(_PRODUCT)

    def all_visitors(self) -> Iterator[Batch]:
        """All visitors, by id."""
        return self._export(_VISITOR)

    def version(self) -> int:
        """Grows with each change of look-up data."""
        return int(self._rows("SELECT number FROM version WHERE name = 'lookups'")[0][0])

    def counts(self) -> Counts:
        """How many products and visitors there are."""
        [(products, visitors)] = self._rows("SELECT (SELECT count(*) FROM product), (SELECT count(*) FROM visitor)")
        return Counts(products, visitors)

    def turn(self) -> int:
        """None: the workers of one machine do not take partitions from one another."""
        return 0

    def publish(self, partition_key: str, partials: Mapping[str, Batch], *, as_of: int, turn: int = 0) -> None:  # noqa: ARG002
        """Replace a partition's partials of these views."""
        values = [(partition_key, name, as_of, _to_bytes(batch)) for name, batch in partials.items()]
        with self._writing() as db:
            db.executemany("INSERT OR REPLACE INTO partial VALUES (?, ?, ?, ?)", values)
            db.execute("UPDATE version SET number = number + 1 WHERE name = 'partials'")

    def partials(self) -> Published:
        """The newest partials of all partitions, as they stand together."""
        with self._reading() as db:
            [(number,)] = db.execute("SELECT number FROM version WHERE name = 'partials'")
            rows: list[Any] = list(db.execute("SELECT view, as_of, batch FROM partial ORDER BY view, partition_key"))
        batches: dict[str, list[Batch]] = {}
        for name, _, batch in rows:
            batches.setdefault(name, []).append(_from_bytes(batch))
        return Published(number, max((row[1] for row in rows), default=None), batches)

    def put_views(self, views: Mapping[str, Sequence[Row]], *, as_of: int, publication: int) -> None:
        """Replace these views together, unless newer ones are there."""
        values = [(name, as_of, publication, msgspec.json.encode(rows)) for name, rows in views.items()]
        with self._writing() as db:
            db.executemany(
                "INSERT INTO live_view VALUES (?, ?, ?, ?) ON CONFLICT (name) DO UPDATE SET as_of = excluded.as_of,"
                " publication = excluded.publication, rows = excluded.rows"
                " WHERE excluded.publication >= live_view.publication",
                values,
            )

    def view(self, name: str) -> list[dict[str, object]]:
        """The rows of a view."""
        found = self._rows("SELECT rows FROM live_view WHERE name = ?", (name,))
        return msgspec.json.decode(found[0][0], type=list[dict[str, object]]) if found else []

    def views(self) -> list[str]:
        """The names of the views that were put."""
        return [name for (name,) in self._rows("SELECT name FROM live_view ORDER BY name")]

    def all_views(self, *, known: int | None = None) -> PutViews | None:
        """All views together, unless their publication is the one that is known."""
        with self._reading() as db:
            [(publication, as_of)] = db.execute("SELECT max(publication), max(as_of) FROM live_view")
            if publication in {None, known}:
                return None
            found: list[Any] = list(db.execute("SELECT name, rows FROM live_view"))
        rows = {name: msgspec.json.decode(text, type=list[dict[str, object]]) for name, text in found}
        return PutViews(publication, as_of, rows)

    def close(self) -> None:
        """Release the file."""
        with self._lock:
            self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _load(self, table: _Table, rows: Iterable[tuple[Any, ...]], progress: Progress | None) -> Loaded:
        done = Loaded()
        rest = iter(rows)
        while pipeline := list(islice(rest, PIPELINE)):
            with self._writing() as db:
                done += _upsert(db, table, pipeline)
            if progress is not None:
                progress(done.rows)
        return done

    def _look_up(self, sql: str, ids: Sequence[str]) -> list[tuple[str | None, str | None] | None]:
        if not ids:
            return []
        with self._reading() as db:
            asked = msgspec.json.encode(ids).decode()
            found = {key: (first, second) for key, first, second in db.execute(sql, (asked,))}
        return [found.get(i) for i in ids]

    def _export(self, table: _Table) -> Iterator[Batch]:
        after = ""
        while rows := self._rows(table.export, (after, _EXPORT)):
            values = zip(*rows, strict=True)
            columns = [pa.array(column, type=field.type) for column, field in zip(values, table.schema, strict=True)]
            yield pa.RecordBatch.from_arrays(columns, schema=table.schema)
            after = rows[-1][0]

    def _rows(self, sql: str, values: Sequence[object] = ()) -> list[Any]:
        with self._lock, our_errors(self.path):
            return list(self._db.execute(sql, tuple(values)))

    @contextmanager
    def _reading(self) -> Iterator[apsw.Connection]:
        """One snapshot for several reads."""
        with self._transaction("BEGIN") as db:
            yield db

    @contextmanager
    def _writing(self) -> Iterator[apsw.Connection]:
        with self._transaction("BEGIN IMMEDIATE") as db:
            yield db

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[apsw.Connection]:
        with self._lock, our_errors(self.path):
            self._db.execute(begin)
            try:
                yield self._db
            except BaseException:
                roll_back(self._db)
                raise
            try:
                self._db.execute("COMMIT")
            except apsw.Error:
                roll_back(self._db)
                raise


def _upsert(db: apsw.Connection, table: _Table, rows: Sequence[tuple[Any, ...]]) -> Loaded:
    known: dict[str, tuple[Any, ...]] = {row[0]: row for row in db.executemany(table.find, [(row[0],) for row in rows])}
    new = updated = 0
    changed: dict[str, tuple[Any, ...]] = {}
    for row in rows:
        key = row[0]
        if known.get(key) == row:
            continue
        new += key not in known
        updated += key in known
        known[key] = changed[key] = row
    if changed:
        db.executemany(table.put, changed.values())
        db.execute("UPDATE version SET number = number + 1 WHERE name = 'lookups'")
    return Loaded(new, updated, len(rows) - new - updated)


def _to_bytes(batch: Batch) -> bytes:
    batch = pa.RecordBatch.from_arrays([_compact(column) for column in batch.columns], schema=batch.schema)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    return bytes(sink.getvalue())


def _compact(column: pa.Array) -> pa.Array:
    """Without the texts that no row uses: a few rows of a large batch carry its whole dictionary."""
    if pa.types.is_dictionary(column.type) and len(column.dictionary) > len(column):
        return column.dictionary_decode().dictionary_encode().cast(column.type)
    return column


def _from_bytes(data: bytes) -> Batch:
    with pa.ipc.open_stream(data) as reader:
        return reader.read_next_batch()
