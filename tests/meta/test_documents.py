"""What can be used is documented, and what is documented exists."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from footfall.apps.cli.app import app
from footfall.apps.supervisor.settings import Settings
from footfall.apps.web.settings import WebSettings
from footfall.core.metrics import METRICS
from footfall.pipeline import Pipeline

ROOT = Path(__file__).parents[2]
LINK = re.compile(r"\]\(([^)#]+)(?:#[^)]*)?\)")


def commands() -> Iterator[tuple[str, Any]]:
    """Every command by its full name."""
    waiting: list[tuple[str, Any]] = [("footfall", typer.main.get_command(app))]
    while waiting:
        name, command = waiting.pop()
        below = getattr(command, "commands", None)
        if below is None:
            yield name, command
        else:
            waiting.extend((f"{name} {one}", each) for one, each in below.items())


def named(value: object) -> str:
    """A test's name: the command's."""
    return value if isinstance(value, str) else ""


@pytest.mark.parametrize(("name", "command"), list(commands()), ids=named)
def test_every_command_and_option_has_its_line(name: str, command: Any) -> None:
    text = (ROOT / "docs/reference/commands.md").read_text()
    assert f"## {name}" in text
    section = text.split(f"## {name}")[1].split("\n## ")[0]
    shared = {"data_dir", "help"}

    options = [one for one in command.params if one.param_type_name == "option" and one.name not in shared]

    assert command.help
    assert [one.opts[0] for one in options if not one.hidden and f"`{one.opts[0]}`" not in section] == []


@pytest.mark.parametrize(("name", "command"), list(commands()), ids=named)
def test_every_command_understands_the_data_directory(name: str, command: Any) -> None:
    assert "--data-dir" in [text for one in command.params for text in one.opts], name


def test_every_metric_has_its_line() -> None:
    text = (ROOT / "docs/reference/metrics.md").read_text()

    lines = [f"| `{one.name}` | {one.kind} | {one.unit} | {one.meaning} |" for one in METRICS]

    assert [line for line in lines if line not in text] == []


def test_every_setting_has_its_line() -> None:
    text = (ROOT / "docs/reference/settings.md").read_text()

    names = [
        *(name for name in Settings.model_fields if name != "file"),
        *(name for name in Pipeline.__struct_fields__ if name != "written"),
        *WebSettings.__struct_fields__,
    ]
    assert [name for name in names if f"| `{name}` |" not in text] == []


def documents() -> list[Path]:
    """README, CHANGELOG and all that is below docs and examples."""
    return sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("examples/**/*.md")])


@pytest.mark.parametrize("document", documents(), ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_to_a_file(document: Path) -> None:
    targets = [one for one in LINK.findall(document.read_text()) if "://" not in one]

    assert [one for one in targets if not (document.parent / one).exists()] == []
