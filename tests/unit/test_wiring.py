"""A data directory becomes running parts, or an error that says what to do."""

from __future__ import annotations

import os
import threading
from datetime import timedelta
from pathlib import Path

import pytest

from footfall import wiring
from footfall.core.errors import Failure, UsageError
from footfall.core.events import CLICKS, SCHEMAS
from footfall.engine.directory import in_use, usable
from footfall.log.base import Append
from footfall.pipeline import Pipeline
from tests.unit.streams import START, clicks

HEADER = "timestamp,userId,productId\n"


def rows(*users: str, start: int = START) -> str:
    return HEADER + "".join(f"{start + n * 1000},{user},C{n}\n" for n, user in enumerate(users))


def published(data_dir: Path) -> int:
    with wiring.open_log(data_dir) as log:
        return sum(log.info(CLICKS).ends)


def replay(file: Path, data_dir: Path) -> dict[str, int]:
    figures: dict[str, int] = wiring.replay(
        file, data_dir=data_dir, keep_timing=False, events_per_second=1e6, stop=threading.Event()
    )
    return figures


def test_a_log_is_opened_with_all_streams_and_keeps_its_partitions(tmp_path: Path) -> None:
    with wiring.open_log(tmp_path, pipeline=Pipeline(partitions=3)) as log:
        assert {one.name for one in log.streams()} == set(SCHEMAS)
    with wiring.open_log(tmp_path) as log:
        assert log.info(CLICKS).settings.partitions == 3


def test_a_directory_without_data_is_not_made_by_looking(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds no data"):
        wiring.open_existing_log(tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_a_file_is_no_data_directory(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="is a file"):
        usable(tmp_path / "file")
    with pytest.raises(Failure, match="cannot be made"):
        usable(tmp_path / "file" / "below")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_directory_without_rights_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(Failure, match="No rights"):
        usable(tmp_path)


def test_a_data_directory_in_use_names_who_uses_it_and_is_free_afterwards(tmp_path: Path) -> None:
    with in_use(tmp_path, "backfill"):
        again = in_use(tmp_path, "backfill")
        with pytest.raises(Failure, match=rf"footfall backfill \(process {os.getpid()}\)"), again:
            pass
    with in_use(tmp_path, "backfill"):
        pass


def test_the_pattern_file_is_the_one_that_was_named_or_the_one_in_the_data_directory(tmp_path: Path) -> None:
    lab = (Path(__file__).parent.parent.parent / "examples/offers/lab.yaml").read_text()
    assert wiring.pattern_file(None, tmp_path) is None
    (tmp_path / "offers.yaml").write_text(lab)
    (tmp_path / "own.yaml").write_text(lab.replace("lab", "own"))
    found = wiring.pattern_file(None, tmp_path)
    assert found is not None
    assert found.path == tmp_path / "offers.yaml"
    named = wiring.pattern_file(tmp_path / "own.yaml", tmp_path)
    assert named is not None
    assert named.path == tmp_path / "own.yaml"
    with pytest.raises(UsageError, match=r"none\.yaml"):
        wiring.pattern_file(tmp_path / "none.yaml", tmp_path)


def test_stages_stand_for_the_partitions_they_are_given(tmp_path: Path) -> None:
    with wiring.open_log(tmp_path, pipeline=Pipeline(partitions=3)) as log, wiring.open_store(tmp_path) as store:
        every = wiring.stages(["enrichment"], log=log, store=store, pipeline=Pipeline())
        some = wiring.stages(["sessions"], log=log, store=store, pipeline=Pipeline(), partitions=[1])
        assert [one.partition for one in every] == [0, 1, 2]
        assert [(one.partition, list(one.followers), one.enrichment) for one in some] == [(1, ["sessions"], None)]


def test_shares_of_the_partitions_together_process_everything_once(tmp_path: Path) -> None:
    with wiring.open_log(tmp_path, pipeline=Pipeline(partitions=4)) as log:
        log.append([Append(CLICKS, p, clicks([{"id": (p, n)} for n in range(p + 1)])) for p in range(4)])
    done = [
        wiring.run(["enrichment"], data_dir=tmp_path, share=(n, 3), until_end=True, stop=threading.Event())["events"]
        for n in range(3)
    ]
    assert done == [1 + 4, 2, 3]


def test_a_replay_goes_on_where_it_stopped_and_every_row_is_published_once(tmp_path: Path) -> None:
    file = tmp_path / "clicks.csv"
    file.write_text(rows("ada", "bob"))
    assert replay(file, tmp_path / "data") == {"events": 2, "published": 2, "rejected": 0}
    file.write_text(rows("ada", "bob", "cyd"))
    assert replay(file, tmp_path / "data")["published"] == 1
    assert published(tmp_path / "data") == 3


def test_rows_that_cannot_be_used_are_listed_once_however_often_the_file_is_replayed(tmp_path: Path) -> None:
    file = tmp_path / "clicks.csv"
    file.write_text(rows("ada") + "noon,bob,C1\n")
    for _ in range(2):
        replay(file, tmp_path / "data")
    [failed] = wiring.failed_events(tmp_path / "data")
    assert (failed.line, failed.source, failed.raw) == (3, str(file), b"noon,bob,C1")


def test_a_second_backfill_adds_nothing(tmp_path: Path) -> None:
    file = tmp_path / "clicks.csv"
    file.write_text(rows("ada", "bob", "ada"))
    first = wiring.backfill(file, data_dir=tmp_path / "data")
    again = wiring.backfill(file, data_dir=tmp_path / "data")
    assert (first["accepted"], first["visitors"], again["accepted"], again["duplicates"]) == (3, 2, 0, 3)
    assert (again["sessions"], again["open_sessions"]) == (first["sessions"], first["open_sessions"])


def test_another_file_in_the_place_of_one_that_was_replayed_is_replayed_from_its_beginning(tmp_path: Path) -> None:
    file = tmp_path / "clicks.csv"
    file.write_text(rows("ada", "bob"))
    replay(file, tmp_path / "data")

    file.write_text(rows("dan", "eve", "fay"))

    assert replay(file, tmp_path / "data")["published"] == 3


def test_retention_changes_only_when_a_settings_file_says_so(tmp_path: Path) -> None:
    year = Pipeline(keep_days=365, written=True)
    wiring.open_log(tmp_path, pipeline=year).close()

    with wiring.open_log(tmp_path, pipeline=Pipeline()) as log:
        assert log.info(CLICKS).settings.keep_for == timedelta(days=365)
    with wiring.open_log(tmp_path, pipeline=Pipeline(keep_days=2, written=True)) as log:
        assert log.info(CLICKS).settings.keep_for == timedelta(days=2)
