"""The supervisor's parts that need no process."""

from __future__ import annotations

from pathlib import Path

import pytest

from footfall.apps.supervisor.backoff import Backoff
from footfall.apps.supervisor.logs import Lines, LogFile, loud
from footfall.apps.supervisor.services import Service, cart_sink, dashboard, footfall_command, replay, web, worker
from footfall.apps.supervisor.settings import ServiceSettings, read_settings
from footfall.core.errors import UsageError


def test_the_first_restart_comes_at_once_and_the_next_ones_ever_later() -> None:
    backoff = Backoff()

    delays = [backoff.delay(lived_seconds=1) for _ in range(9)]

    assert delays == pytest.approx([0, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10, 10])


def test_half_a_minute_of_life_is_forgiveness() -> None:
    backoff = Backoff()
    for _ in range(5):
        backoff.delay(lived_seconds=1)

    assert backoff.delay(lived_seconds=30) == 0
    assert backoff.delay(lived_seconds=1) == pytest.approx(0.2)


def test_a_log_file_and_the_one_before_it_stay_below_the_limit(tmp_path: Path) -> None:
    path = tmp_path / "worker.log"
    log = LogFile(path, limit=100)
    for number in range(100):
        log.write(b"line %d" % number)
    log.close()

    assert sorted(file.name for file in tmp_path.iterdir()) == ["worker.log", "worker.log.1"]
    assert max(file.stat().st_size for file in tmp_path.iterdir()) <= 110
    assert "line 99" in path.read_text() + (tmp_path / "worker.log.1").read_text()


def test_lines_are_put_together_from_whatever_pieces_come() -> None:
    lines = Lines()

    found = [line for piece in (b"on", b"e\ntwo\n\nth", b"ree") for line in lines.feed(piece)]

    assert [*found, *lines.flush()] == [b"one", b"two", b"three"]


@pytest.mark.parametrize(
    ("line", "seen"),
    [
        (b'{"event": "loaded", "level": "info", "rows": 3}', None),
        (b'{"event": "slow", "level": "warning", "seconds": 3, "timestamp": "x"}', "warning: slow seconds=3"),
        (b"Segmentation fault", "Segmentation fault"),
        (b"{broken", "{broken"),
    ],
)
def test_people_see_warnings_errors_and_what_is_no_log_entry(line: bytes, seen: str | None) -> None:
    assert loud(line) == seen


def test_replicas_know_which_of_how_many_they_are() -> None:
    service = Service(name="worker", command=("footfall", "run"), replicas=2)

    assert [(one.name, one.command[2:]) for one in service.instances()] == [
        ("worker-1", ("--replica", "1/2")),
        ("worker-2", ("--replica", "2/2")),
    ]


def test_the_pipeline_and_the_shop_are_essential_and_what_only_shows_or_copies_is_not(tmp_path: Path) -> None:
    essential = [
        worker(data_dir=tmp_path, patterns=tmp_path / "offers.yaml"),
        replay(data_dir=tmp_path, file=tmp_path / "clicks.tsv", options=()),
        web(data_dir=tmp_path, port=1, dashboard="http://127.0.0.1:2", patterns=tmp_path / "offers.yaml"),
    ]
    others = [cart_sink(data_dir=tmp_path), dashboard(data_dir=tmp_path, port=2)]

    assert [one.essential for one in essential] == [True] * 3
    assert [one.essential for one in others] == [False] * 2


def test_the_command_line_wins_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "footfall.yaml"
    file.write_text("port: 9000\nreplicas: 2\nservices:\n  - {name: mine, run: [run, mine.py]}\n")

    settings = read_settings(file, port=9001, replicas=None)

    assert (settings.port, settings.replicas, settings.services[0].name) == (9001, 2, "mine")


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("run, mine.py", ["--name", "mine", "--settings", "footfall.yaml"]),
        ("replay, mine.tsv, --name=other", ["--settings", "footfall.yaml"]),
        ("run, mine.py, --settings, own.yaml", ["--name", "mine"]),
        ("tail, sessions", []),
    ],
)
def test_a_service_of_the_users_works_with_the_same_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str, told: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("footfall.yaml").write_text(f"services:\n  - {{name: mine, run: [{said}]}}\n")
    settings = read_settings(None)

    service = settings.services[0].service(Path("data"), settings=settings.file)

    assert service.command == footfall_command(*said.split(", "), *told, "--data-dir", "data")


def test_without_a_settings_file_services_are_told_of_none() -> None:
    service = ServiceSettings(name="mine", run=("run", "mine.py")).service(Path("data"), settings=None)

    assert "--settings" not in service.command


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("port: many\n", "footfall.yaml, port"),
        ("replicas: 0\n", "footfall.yaml, replicas"),
        ("ports: 1\n", "footfall.yaml, ports"),
        ("services:\n  - {name: Big Name, run: [run]}\n", "footfall.yaml, services.0.name"),
        ("services:\n  - {name: worker, run: [run]}\n", "footfall.yaml, services.0.name"),
        ("services:\n  - {name: replay, run: [run]}\n", "footfall.yaml, services.0.name"),
        ("services:\n  - {name: supervisor, run: [run]}\n", "footfall.yaml, services.0.name"),
        ("services:\n  - {name: mine-2, run: [run]}\n", "footfall.yaml, services.0.name"),
        ("services:\n  - {name: a, run: [run]}\n  - {name: a, run: [run]}\n", "services: 2 services are called a"),
        ("- a\n", "one `name: value` a line"),
        ("a: [\n", "line 2"),
    ],
)
def test_a_wrong_settings_file_is_answered_with_the_place(tmp_path: Path, text: str, place: str) -> None:
    file = tmp_path / "footfall.yaml"
    file.write_text(text)

    with pytest.raises(UsageError, match=place):
        read_settings(file)
