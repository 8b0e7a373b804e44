"""What comes from outside is shown, and never steers the terminal that shows it."""

from __future__ import annotations

import io
import json
import sys
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from footfall.apps.cli import events, main, output
from footfall.apps.plain import plain
from footfall.apps.status import Heartbeat, ServiceStatus, State
from footfall.apps.supervisor.display import LiveDisplay, PlainDisplay
from tests.unit.frames import enriched

EVIL = "".join(map(chr, (*range(0x20), *range(0x7F, 0xA0))))
"""All control characters."""
SHOWN = "".join(f"\\x{ord(one):02x}" for one in EVIL)


def controls(text: str) -> set[str]:
    """The control characters in it, but the line ends and tabs between what is shown."""
    return {one for one in text if unicodedata.category(one) == "Cc"} - {"\n", "\t"}


def test_control_characters_are_shown_as_numbers_and_all_else_as_it_is() -> None:
    assert plain(f"Żółw 亀 🐢{EVIL}") == f"Żółw 亀 🐢{SHOWN}"
    assert plain("one\ntwo\x1b", lines=True) == "one\ntwo\\x1b"


@pytest.mark.parametrize(
    "prints",
    [
        lambda: output.note(EVIL),
        lambda: output.say(EVIL),
        lambda: output.print_figures({"raw": EVIL, "offers": {EVIL: 1}, "list": [EVIL]}),
        lambda: output.print_figures({EVIL: 1}),
        lambda: output.print_table((EVIL, "b"), [[EVIL, 1], [None, EVIL]]),
        lambda: output.print_json({EVIL: EVIL}),
        lambda: PlainDisplay().say("mine", EVIL),
        lambda: PlainDisplay().show([ServiceStatus(service=EVIL, state=State.FAILED)]),
    ],
)
def test_nothing_that_is_printed_holds_a_control_character(
    prints: Callable[[], None], capsys: pytest.CaptureFixture[str]
) -> None:
    prints()

    printed = "".join(capsys.readouterr())
    assert "x1b" in printed or "u001b" in printed
    assert controls(printed) == set()


def test_a_table_keeps_its_rows_and_columns(capsys: pytest.CaptureFixture[str]) -> None:
    output.print_table(("a", "b"), [["1\n2", "3\t4"]])

    assert capsys.readouterr().out == "a\tb\n1\\x0a2\t3\\x094\n"


def test_a_table_on_a_terminal_is_as_plain(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.setenv("COLUMNS", "400")

    output.print_table(("agent", "[red]"), [["\x1b[2J\x9b2J", "[bold]"]])

    printed = capsys.readouterr().out
    assert controls(printed) == set()
    assert "\\x1b[2J\\x9b2J" in printed
    assert "\t" not in printed
    assert "[red]" in printed
    assert "[bold]" in printed


def test_json_reads_back_as_it_was(capsys: pytest.CaptureFixture[str]) -> None:
    output.print_json({"raw": EVIL + "Ż"})

    assert json.loads(capsys.readouterr().out) == {"raw": EVIL + "Ż"}


@pytest.mark.parametrize("style", ["json", "quix", "table"])
def test_tail_prints_no_control_character_of_an_event(style: str) -> None:
    lines = list(events.Printer(style).lines(enriched([{"userId": "ada", "userAgent": EVIL, "title": EVIL}])))

    assert controls("".join(lines)) == set()
    if style == "json":
        assert json.loads(lines[0])["userAgent"] == EVIL


def test_an_error_of_a_service_cannot_steer_the_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Heartbeat(tmp_path / "run", "worker").close(error="\x1b[2J[bold]\x9b")

    main.run(["status", "--data-dir", str(tmp_path)])

    assert "\\x1b[2J[bold]\\x9b" in capsys.readouterr().out


def test_the_live_display_is_as_plain() -> None:
    screen = io.StringIO()
    display = LiveDisplay(Console(file=screen, width=400))

    display.say("mine", EVIL)
    display.show([ServiceStatus(service="mine", state=State.FAILED, last_error=EVIL)])
    display.close()

    assert screen.getvalue().count(SHOWN) == 2
    assert controls(screen.getvalue()) == set()
