"""What every store of checkpoints promises. Subclass it, and give it two clients: ``store`` and ``another``."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence

import pyarrow as pa
import pytest

from footfall.core.codes import coded
from footfall.core.errors import Fenced
from footfall.core.events import Batch
from footfall.log.base import CheckpointStore, Place, Position, StateWrite

STREAM = "click-data"


def numbers(*values: int) -> Batch:
    return pa.RecordBatch.from_pydict({"n": pa.array(values, pa.int64())})


def move(before: int, after: int, *, group: str = "g", partition: int = 0, stream: str = STREAM) -> Position:
    return Position(group, stream, partition, Place(before, before), Place(after, after))


def add(*values: int, group: str = "g", partition: int = 0, table: str = "seen", reset: bool = False) -> StateWrite:
    return StateWrite(group, partition, table, numbers(*values), reset)


def held(state: Mapping[str, Sequence[Batch]]) -> dict[str, list[list[int]]]:
    """Plain lists: table to batches to values."""
    return {table: [batch.column("n").to_pylist() for batch in batches] for table, batches in state.items()}


class CheckpointContract:
    """Positions, state, fences."""

    def test_a_group_that_never_saved_stands_at_the_beginning_without_state(self, store: CheckpointStore) -> None:
        assert store.position("g", STREAM, 3) == Place()
        assert store.state("g", 3) == {}
        assert store.groups() == []

    def test_positions_and_state_are_saved_together(self, store: CheckpointStore, another: CheckpointStore) -> None:
        store.save([move(0, 5)], [add(1), add(2, table="open")])

        for one in (store, another):
            assert one.position("g", STREAM, 0) == Place(5, 5)
            assert held(one.state("g", 0)) == {"seen": [[1]], "open": [[2]]}

    def test_batches_of_a_table_come_back_in_order_until_a_reset_drops_them(self, store: CheckpointStore) -> None:
        store.save([move(0, 1)], [add(1), add(2)])
        store.save([move(1, 2)], [add(3)])
        assert held(store.state("g", 0)) == {"seen": [[1], [2], [3]]}

        store.save([move(2, 3)], [add(4), add(5, reset=True), add(6)])
        assert held(store.state("g", 0)) == {"seen": [[5], [6]]}

    def test_a_batch_without_rows_is_a_batch(self, store: CheckpointStore) -> None:
        store.save([], [add(1), add(reset=True)])

        assert held(store.state("g", 0)) == {"seen": [[]]}

    def test_state_may_be_saved_without_a_position_and_a_position_without_state(self, store: CheckpointStore) -> None:
        store.save([], [add(1)])
        store.save([move(0, 1)], [])
        store.save([], [])

        assert held(store.state("g", 0)) == {"seen": [[1]]}
        assert store.position("g", STREAM, 0) == Place(1, 1)

    def test_groups_partitions_streams_and_tables_are_apart(self, store: CheckpointStore) -> None:
        store.save([move(0, 1), move(0, 2, partition=1), move(0, 3, stream="user")], [add(1), add(2, partition=1)])
        store.save([move(0, 4, group="sink:a")], [add(3, group="sink:a"), add(4, table="0:seen")])
        store.save([], [add(5, reset=True)])

        assert [store.position("g", STREAM, n).offset for n in (0, 1, 2)] == [1, 2, 0]
        assert store.position("g", "user", 0).offset == 3
        assert store.position("sink:a", STREAM, 0).offset == 4
        assert held(store.state("g", 0)) == {"seen": [[5]], "0:seen": [[4]]}
        assert held(store.state("g", 1)) == {"seen": [[2]]}
        assert held(store.state("sink:a", 0)) == {"seen": [[3]]}
        assert store.groups() == ["g", "sink:a"]

    def test_a_position_that_is_elsewhere_fences_and_nothing_is_written(self, store: CheckpointStore) -> None:
        store.save([move(0, 5)], [add(1)])

        with pytest.raises(Fenced, match=r"Group g stands at offset 5 \(batch 5\) in click-data-0, not at offset 4"):
            store.save([move(0, 1, partition=1), move(4, 9)], [add(2, reset=True), add(3, table="new")])

        assert store.position("g", STREAM, 0) == Place(5, 5)
        assert store.position("g", STREAM, 1) == Place()
        assert held(store.state("g", 0)) == {"seen": [[1]]}

    def test_the_number_of_the_batch_is_part_of_the_fence(self, store: CheckpointStore) -> None:
        store.save([Position("g", STREAM, 0, Place(), Place(0, 1))], [])

        with pytest.raises(Fenced):
            store.save([Position("g", STREAM, 0, Place(), Place(3, 1))], [])

    def test_a_worker_whose_partition_was_taken_away_writes_nothing(
        self, store: CheckpointStore, another: CheckpointStore
    ) -> None:
        store.save([move(0, 1)], [add(1)])
        stands = another.position("g", STREAM, 0)  # the partition is handed over
        another.save([Position("g", STREAM, 0, stands, Place(2, 2))], [add(2)])

        with pytest.raises(Fenced, match="another worker has taken over"):
            store.save([move(1, 2)], [add(3)])
        assert held(another.state("g", 0)) == {"seen": [[1], [2]]}
        another.save([move(2, 3)], [add(4)])

    def test_of_many_who_start_from_the_same_place_one_goes_on(
        self, store: CheckpointStore, another: CheckpointStore
    ) -> None:
        together = threading.Barrier(8)
        went: list[int] = []
        fenced: list[Fenced] = []

        def go(number: int) -> None:
            together.wait()
            try:
                (store, another)[number % 2].save([move(0, number + 1)], [add(number)])
                went.append(number)
            except Fenced as error:
                fenced.append(error)

        threads = [threading.Thread(target=go, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert len(fenced) == 7
        assert held(store.state("g", 0)) == {"seen": [went]}
        assert store.position("g", STREAM, 0).offset == went[0] + 1

    def test_many_small_batches_come_back_as_they_were_saved(
        self, store: CheckpointStore, another: CheckpointStore
    ) -> None:
        for n in range(300):
            (store, another)[n % 2].save([move(n, n + 1)], [add(n), add(n, table="sparse", reset=n % 70 == 0)])

        assert held(another.state("g", 0)) == {
            "seen": [[n] for n in range(300)],
            "sparse": [[n] for n in range(280, 300)],
        }

    def test_coded_columns_and_nulls_come_back(self, store: CheckpointStore) -> None:
        texts = coded(pa.array([0, -1, 1], pa.int32()).to_numpy(), ["ann", "bob"])
        batch = pa.RecordBatch.from_arrays([texts, pa.array([1.5, None, 2.5])], ["user", "x"])
        store.save([], [StateWrite("g", 0, "t", batch)])

        assert store.state("g", 0)["t"][0].to_pylist() == batch.to_pylist()

    def test_large_batches_are_saved_and_come_back(self, store: CheckpointStore) -> None:
        large = numbers(*range(1_500_000))  # 12 MB
        store.save([move(0, 1)], [StateWrite("g", 0, "seen", large), add(1, table="small")])
        store.save([move(1, 2)], [add(7)])

        first, second = store.state("g", 0)["seen"]
        assert first.equals(large)
        assert second.num_rows == 1
        store.save([move(2, 3)], [add(8, reset=True)])
        assert held(store.state("g", 0)) == {"seen": [[8]], "small": [[1]]}

    def test_a_deleted_group_starts_from_the_beginning(self, store: CheckpointStore) -> None:
        store.save([move(0, 5), move(0, 6, group="other")], [add(1), add(2, partition=7), add(3, group="other")])
        store.delete_group("g")
        store.delete_group("never seen")

        assert store.position("g", STREAM, 0) == Place()
        assert store.state("g", 0) == store.state("g", 7) == {}
        assert store.groups() == ["other"]
        store.save([move(0, 1)], [add(9)])
        assert held(store.state("g", 0)) == {"seen": [[9]]}
        assert held(store.state("other", 0)) == {"seen": [[3]]}
