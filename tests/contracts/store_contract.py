"""What every serving store promises. Subclass it once per store and give it a ``store`` fixture."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa
import pytest

from footfall.stores.base import PIPELINE, Counts, Loaded, PutViews, ServingStore


@dataclass(frozen=True)
class Product:
    id: str
    category: str | None = "shoes"
    title: str | None = "A shoe"
    price: float | None = 10.0
    description: str | None = None
    image: str | None = None


@dataclass(frozen=True)
class User:
    userId: str  # noqa: N815 - the field's name
    gender: str | None = "F"
    birthday: str | None = "1981-11-14"


def users(count: int) -> list[User]:
    return [User(f"user-{n}") for n in range(count)]


def part(**columns: list[int] | list[str]) -> pa.RecordBatch:
    return pa.RecordBatch.from_pydict(columns)


class StoreContract:
    """Look-ups, versions, partials and views."""

    def test_what_was_loaded_is_found_in_the_order_asked(self, store: ServingStore) -> None:
        store.load_products([Product("b", "shoes", "Boot"), Product("a", "hats", None)])

        assert store.products(["a", "x", "b", "a"]) == [("hats", None), None, ("shoes", "Boot"), ("hats", None)]

    def test_missing_values_of_a_visitor_stay_missing(self, store: ServingStore) -> None:
        store.load_users([User("ann", None, "1990-01-01"), User("bob", "M", None)])

        assert store.visitors(["bob", "ann", "eve"]) == [("M", None), (None, "1990-01-01"), None]

    def test_nothing_is_found_in_an_empty_store(self, store: ServingStore) -> None:
        assert store.products(["a"]) == [None]
        assert store.visitors([]) == []
        assert store.counts() == Counts(0, 0)
        assert list(store.all_visitors()) == []

    def test_loading_again_changes_nothing(self, store: ServingStore) -> None:
        assert store.load_users(users(2_500)) == Loaded(new=2_500)
        version = store.version()

        assert store.load_users(users(2_500)) == Loaded(unchanged=2_500)
        assert store.version() == version
        assert store.counts().visitors == 2_500

    def test_loading_a_changed_row_updates_it(self, store: ServingStore) -> None:
        store.load_products([Product("a", title="Old"), Product("b")])
        version = store.version()

        assert store.load_products([Product("a", title="New"), Product("b"), Product("c")]) == Loaded(1, 1, 1)
        assert store.products(["a"]) == [("shoes", "New")]
        assert store.version() > version

    def test_the_last_row_of_an_id_wins(self, store: ServingStore) -> None:
        rows = [User("ann", "F"), *users(PIPELINE), User("ann", "M"), User("ann", "U")]
        store.load_users(rows)

        assert store.visitors(["ann"]) == [("U", "1981-11-14")]
        assert store.counts().visitors == PIPELINE + 1

    def test_progress_is_told_after_each_pipeline(self, store: ServingStore) -> None:
        seen: list[int] = []
        store.load_users(users(2_500), progress=seen.append)

        assert seen == [1_000, 2_000, 2_500]

    def test_a_load_that_breaks_off_keeps_whole_pipelines_and_can_be_started_again(self, store: ServingStore) -> None:
        def broken() -> Iterator[User]:
            yield from users(1_500)
            raise OSError("the file is gone")

        with pytest.raises(OSError, match="gone"):
            store.load_users(broken())

        assert store.counts().visitors == 1_000
        assert store.version() > 0
        assert store.load_users(users(1_500)) == Loaded(new=500, unchanged=1_000)

    def test_all_rows_come_out_as_they_went_in(self, store: ServingStore) -> None:
        product = Product("a", "books", "Ünïcode ☃ 'quoted'", 1.5, "text", "a.svg")
        store.load_products([product])
        store.load_users(users(25_000))

        assert pa.Table.from_batches(store.all_products()).to_pylist() == [
            {"id": "a", "category": "books", "title": product.title, "price": 1.5, "description": "text"}
            | {"image": "a.svg"}
        ]
        exported = pa.Table.from_batches(store.all_visitors()).column("userId").to_pylist()
        assert exported == sorted(user.userId for user in users(25_000))

    def test_a_partition_replaces_its_own_partials_only(self, store: ServingStore) -> None:
        store.publish("p0", {"sessions": part(n=[1]), "raw": part(n=[10])}, as_of=5)
        store.publish("p1", {"sessions": part(n=[2])}, as_of=9)
        store.publish("p0", {"sessions": part(n=[3])}, as_of=7)

        published = store.partials()
        assert [batch.to_pydict() for batch in published.batches["sessions"]] == [{"n": [3]}, {"n": [2]}]
        assert [batch.to_pydict() for batch in published.batches["raw"]] == [{"n": [10]}]
        assert published.as_of == 9

    def test_each_publication_has_a_larger_number(self, store: ServingStore) -> None:
        before = store.partials()
        assert before.as_of is None
        store.publish("p0", {}, as_of=5)

        assert store.partials().number > before.number

    def test_coded_columns_and_nulls_of_partials_come_back(self, store: ServingStore) -> None:
        batch = pa.RecordBatch.from_arrays([pa.array(["a", None, "a"]).dictionary_encode()], names=["line"])
        store.publish("p0", {"state_logs": batch}, as_of=1)

        assert store.partials().batches["state_logs"][0].equals(batch)

    def test_a_partial_may_be_a_small_part_of_a_large_batch_or_have_no_columns(self, store: ServingStore) -> None:
        large = pa.RecordBatch.from_arrays([pa.array([f"u{n}" for n in range(9_999)]).dictionary_encode()], names=["u"])
        store.publish("p0", {"raw_data": large.slice(5_000, 2), "other": pa.RecordBatch.from_pylist([])}, as_of=1)

        batches = store.partials().batches
        assert batches["raw_data"][0].to_pydict() == {"u": ["u5000", "u5001"]}
        assert len(batches["raw_data"][0].column(0).dictionary) == 2
        assert batches["other"][0].num_rows == 0

    def test_a_view_holds_what_was_put_last(self, store: ServingStore) -> None:
        store.put_views({"a": [{"n": 1, "t": "ü"}], "b": []}, as_of=1, publication=1)
        store.put_views({"a": [{"n": 2, "t": None}]}, as_of=2, publication=2)

        assert store.view("a") == [{"n": 2, "t": None}]
        assert store.view("b") == store.view("unknown") == []
        assert store.views() == ["a", "b"]

    def test_a_view_of_older_partials_never_replaces_a_newer_one(self, store: ServingStore) -> None:
        store.put_views({"a": [{"n": 2}]}, as_of=2, publication=7)
        store.put_views({"a": [{"n": 1}]}, as_of=3, publication=6)

        assert store.view("a") == [{"n": 2}]

    def test_all_views_are_read_together_and_only_when_they_are_new(self, store: ServingStore) -> None:
        assert store.all_views() is None
        store.put_views({"a": [{"n": 1}], "b": []}, as_of=1, publication=1)
        store.put_views({"a": [{"n": 2}]}, as_of=2, publication=2)

        assert store.all_views(known=1) == PutViews(2, 2, {"a": [{"n": 2}], "b": []})
        assert store.all_views(known=2) is None
