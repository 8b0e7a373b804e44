"""Checkpoints in a real Redis keep the contract, stay few and small, and equal a plain dict after anything."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from random import Random
from typing import Any

import pyarrow as pa
import pytest
import redis
from hypothesis import given, settings
from hypothesis import strategies as st

from footfall.core.errors import DamagedBatch, Emptied, Fenced, Unavailable
from footfall.log.base import CheckpointStore, Place, StateWrite
from footfall.log.checkpoints.redis import RedisCheckpoints
from tests.contracts.checkpoint_contract import STREAM, CheckpointContract, add, held, move, numbers
from tests.faults.buggy_redis import WithoutEpoch
from tests.servers.redis import Redis

RANDOM = Random(7).randbytes
ROWS = "footfall:state:g:0:seen"


@pytest.fixture(scope="module")
def server() -> Iterator[Redis]:
    with Redis() as running:
        yield running


@pytest.fixture
def plain(server: Redis) -> Iterator[Any]:
    """What any other program sees."""
    with redis.Redis.from_url(server.url) as client:
        client.flushall()
        yield client


def opened(server: Redis, merge_rows: int = 128) -> contextlib.closing[RedisCheckpoints]:
    return contextlib.closing(RedisCheckpoints.open(server.url, random=RANDOM, merge_rows=merge_rows))


class TestRedisCheckpoints(CheckpointContract):
    @pytest.fixture
    def store(self, server: Redis, plain: Any) -> Iterator[CheckpointStore]:
        with opened(server) as store:
            yield store

    @pytest.fixture
    def another(self, server: Redis, store: CheckpointStore) -> Iterator[CheckpointStore]:
        with opened(server) as another:
            yield another


def test_saves_of_an_hour_leave_few_rows(server: Redis, plain: Any) -> None:
    most = 0
    with opened(server, merge_rows=16) as store:
        for n in range(2_000):
            store.save([], [add(n)])
            most = max(most, plain.hlen(ROWS))

        assert most < 3 * 16
        assert held(store.state("g", 0)) == {"seen": [[n] for n in range(2_000)]}
    assert plain.memory_usage(ROWS) < 2_000 * 150


def test_a_table_that_missed_its_merges_is_merged_later(server: Redis, plain: Any) -> None:
    with opened(server, merge_rows=0) as never, opened(server, merge_rows=8) as merging:
        for n in range(63):
            never.save([], [add(n)])
        for n in range(63, 80):
            merging.save([], [add(n)])

        assert plain.hlen(ROWS) <= 16
        assert held(merging.state("g", 0)) == {"seen": [[n] for n in range(80)]}


def test_rows_of_some_size_are_not_written_again_and_again(server: Redis, plain: Any) -> None:
    some = numbers(*range(10_000))
    with opened(server, merge_rows=4) as store:
        for n in range(16):
            store.save([], [StateWrite("g", 0, "seen", some) if n % 4 == 1 else add(n)])

        sizes = [plain.hstrlen(ROWS, number) for number in plain.hkeys(ROWS)]
        assert sum(size > 80_000 for size in sizes) == 4


def change_during_a_merge(store: RedisCheckpoints, change: Any) -> None:
    """Let something happen between the reading of the rows that are merged, and their replacement."""
    merging: Any = store._merging
    merge = merging._merge

    def interrupted(keys: Any, arguments: Any) -> Any:
        merging._merge = merge
        change()
        return merge(keys, arguments)

    merging._merge = interrupted


MEANWHILE = {
    "added": [0, 1, 2, 3, 4],
    "reset": [4],
    "merged": [0, 1, 2, 3, 4, 5],
    "deleted and written anew": [5, 6, 7, 8],
}
"""What happens, and what must be there afterwards."""


def after_a_change_during_a_merge(store: RedisCheckpoints, another: RedisCheckpoints, what: str) -> list[list[int]]:
    """What is in a table of which four rows are merged while something else happens to it."""
    for n in range(3):
        store.save([], [add(n)])

    def change() -> None:
        match what:
            case "added":
                another.save([], [add(4)])
            case "reset":
                another.save([], [add(4, reset=True)])
            case "merged":
                another.save([], [add(4)])
                another.save([], [add(5)])
            case _:
                another.delete_group("g")
                for n in range(5, 9):
                    another.save([], [add(n)])

    change_during_a_merge(store, change)
    store.save([], [add(3)])
    return held(another.state("g", 0))["seen"]


@pytest.mark.parametrize("what", MEANWHILE)
def test_a_merge_never_drops_what_was_written_meanwhile(server: Redis, plain: Any, what: str) -> None:
    with opened(server, merge_rows=4) as store, opened(server, merge_rows=2) as another:
        assert after_a_change_during_a_merge(store, another, what) == [[n] for n in MEANWHILE[what]]


@pytest.mark.parametrize("what", ["reset", "deleted and written anew"])
def test_a_merge_that_does_not_ask_is_found(server: Redis, plain: Any, what: str) -> None:
    buggy = WithoutEpoch.open(server.url, random=RANDOM, merge_rows=4)
    with contextlib.closing(buggy) as store, opened(server, merge_rows=2) as another:
        assert after_a_change_during_a_merge(store, another, what) != [[n] for n in MEANWHILE[what]]


def test_state_that_is_merged_while_it_is_read_is_read_again(server: Redis, plain: Any) -> None:
    with opened(server, merge_rows=0) as store, opened(server, merge_rows=4) as another:
        for n in range(3):
            store.save([], [add(n)])
        tables: Any = store._tables
        listed = tables.listed

        def interrupted(*arguments: Any) -> Any:
            found = listed(*arguments)
            tables.listed = listed
            another.save([], [add(3)])
            return found

        tables.listed = interrupted

        assert held(store.state("g", 0)) == {"seen": [[0], [1], [2], [3]]}


Step = tuple[str, int, int]


@settings(deadline=None, max_examples=60)
@given(
    steps=st.lists(
        st.tuples(
            st.sampled_from(["save", "save", "save", "reset", "fenced", "restart", "delete"]),
            st.integers(0, 1),
            st.integers(1, 3),
        ),
        max_size=40,
    ),
    merge_rows=st.integers(2, 4),
)
def test_any_sequence_of_saves_equals_a_plain_dict(server: Redis, steps: list[Step], merge_rows: int) -> None:
    places = {0: 0, 1: 0}
    state: dict[int, list[list[int]]] = {0: [], 1: []}
    with redis.Redis.from_url(server.url) as plain:
        plain.flushall()
    store = RedisCheckpoints.open(server.url, random=RANDOM, merge_rows=merge_rows)
    for number, (what, partition, count) in enumerate(steps):
        position = move(places[partition], places[partition] + count, partition=partition)
        batches = [[number, n] for n in range(count)]
        writes = [add(*batch, partition=partition) for batch in batches]
        match what:
            case "save":
                store.save([position], writes)
                state[partition] += batches
                places[partition] += count
            case "reset":
                store.save([position], [add(number, partition=partition, reset=True), *writes])
                state[partition] = [[number], *batches]
                places[partition] += count
            case "fenced":
                with pytest.raises(Fenced):
                    store.save([move(places[partition] + 1, 99, partition=partition)], writes)
            case "restart":
                store.close()
                store = RedisCheckpoints.open(server.url, random=RANDOM, merge_rows=merge_rows)
            case _:
                store.delete_group("g")
                places, state = {0: 0, 1: 0}, {0: [], 1: []}
        for one in (0, 1):
            assert store.position("g", STREAM, one) == Place(places[one], places[one])
            assert held(store.state("g", one)) == ({"seen": state[one]} if state[one] else {})
    store.close()


@pytest.mark.parametrize(
    "trusting",
    [
        lambda store: store.save([move(0, 1)], [add(1)]),
        lambda store: store.position("g", STREAM, 0),
        lambda store: store.state("g", 0),
        lambda store: store.groups(),
        lambda store: store.delete_group("g"),
    ],
)
def test_an_emptied_server_is_noticed_by_whatever_is_asked(server: Redis, plain: Any, trusting: Any) -> None:
    with opened(server) as store:
        plain.flushall()

        with pytest.raises(Emptied, match="footfall rebuild"):
            trusting(store)
        assert plain.keys() == []
        store.accept_emptied()
        trusting(store)


def test_state_that_is_none_of_ours_is_named(server: Redis, plain: Any) -> None:
    with opened(server) as store:
        store.save([], [add(1)])
        plain.hset(ROWS, "0", b"scribbled over")

        with pytest.raises(DamagedBatch, match="state seen of group g-0 at offset 0"):
            store.state("g", 0)


def test_batches_of_different_columns_are_merged_too(server: Redis, plain: Any) -> None:
    with opened(server, merge_rows=4) as store:
        other = pa.RecordBatch.from_pydict({"text": ["a"]})
        for batch in (numbers(1), other, other, numbers(2)):
            store.save([], [StateWrite("g", 0, "seen", batch)])

        assert plain.hlen(ROWS) == 1
        assert store.state("g", 0)["seen"] == [numbers(1), other, other, numbers(2)]


def large(value: int) -> StateWrite:
    """A row of 4 MB."""
    return StateWrite("g", 0, "seen", numbers(*[value] * 500_000))


def test_what_is_kept_of_large_rows_goes_with_them(server: Redis, plain: Any) -> None:
    with opened(server, merge_rows=2) as store:
        store.save([move(0, 1)], [large(1), add(2), large(3)])
        [_, *sizes] = [plain.memory_usage(key) for key in (ROWS, *plain.keys("footfall:large:*"))]
        assert len(sizes) == 2
        assert min(sizes) > 4_000_000
        assert all(plain.ttl(key) == -1 for key in plain.keys("footfall:large:*"))
        for n in range(20):
            store.save([], [add(n)])
        assert [batch.num_rows for batch in store.state("g", 0)["seen"]] == [500_000, 1, 500_000, *[1] * 20]

        with pytest.raises(Fenced):
            store.save([move(0, 9)], [large(4)])
        assert len(plain.keys("footfall:large:*")) == 2
        store.save([], [StateWrite("g", 0, "seen", large(5).batch, reset=True)])
        assert len(plain.keys("footfall:large:*")) == 1
        store.delete_group("g")
        assert sorted(plain.keys()) == [b"footfall:epochs", b"footfall:generation"]


def test_pieces_that_no_save_has_taken_go_by_themselves(server: Redis, plain: Any) -> None:
    with opened(server) as store:
        store._row(large(1))

        [key] = plain.keys("footfall:large:*")
        assert 3_000 < plain.ttl(key) <= 3_600


def test_pieces_that_are_gone_before_they_are_saved_are_sent_again_by_the_next_try(server: Redis, plain: Any) -> None:
    with opened(server) as store:
        save: Any = store._save

        def too_late(keys: Any, arguments: Any) -> Any:
            plain.delete(*plain.keys("footfall:large:*"))
            return save(keys, arguments)

        store._save = too_late
        with pytest.raises(Unavailable, match="too long"):
            store.save([move(0, 1)], [large(1)])
        assert store.position("g", STREAM, 0) == Place()
        store._save = save
        store.save([move(0, 1)], [large(1)])
        assert store.state("g", 0)["seen"][0].num_rows == 500_000
