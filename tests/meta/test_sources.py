"""What holds for every source file."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULES = sorted((ROOT / "src").rglob("*.py"))
LONGEST = 500
"""Lines; a module of 300 deserves a second look."""


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(ROOT / "src")))
def test_a_module_is_short_and_says_what_it_is_for(module: Path) -> None:
    text = module.read_text()

    assert text.count("\n") <= LONGEST
    assert not text.strip() or ast.get_docstring(ast.parse(text)), "no docstring"


def test_every_dependency_is_pinned() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = [one for extra in project["optional-dependencies"].values() for one in extra]
    wanted = [one for one in (*project["dependencies"], *extras) if not one.startswith(project["name"] + "[")]
    pinned = {line.split("==")[0] for line in (ROOT / "constraints.txt").read_text().splitlines() if "==" in line}

    names = [re.split(r"[\[<>=]", one)[0].lower() for one in wanted]

    assert [name for name in names if name not in pinned] == []


def test_every_hash_is_pinned_and_no_index_is_named() -> None:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    releases = [line for line in lines if line[:1].isalnum()]

    assert all("==" in line and line.endswith("\\") for line in releases)
    assert not [line for line in lines if line.startswith("--") or "://" in line]
