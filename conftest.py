"""What all tests share: the retail look-up data where it is present, and the code blocks of the documents."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
from sybil import Sybil
from sybil.evaluators.python import PythonEvaluator
from sybil.example import Example
from sybil.parsers.markdown import CodeBlockParser, SkipParser

pytest_plugins = ["tests.servers.fixtures"]

ROOT = Path(__file__).parent
RETAIL_PLACES = ("../shared/data/retail",)


def retail() -> Path | None:
    """Where the retail look-up data are: what FOOTFALL_RETAIL names, or beside the repository."""
    named = os.environ.get("FOOTFALL_RETAIL")
    places = [Path(named)] if named else [ROOT / place for place in RETAIL_PLACES]
    return next((place.resolve() for place in places if (place / "products.json").is_file()), None)


@pytest.fixture(scope="session")
def retail_dir() -> Path:
    """The directory with products.json and users.json; the test is skipped, visibly, where there is none."""
    found = retail()
    if found is None:
        pytest.skip("the retail data are not here: name their directory in FOOTFALL_RETAIL")
    return found


@pytest.fixture(scope="session")
def retail_if_here() -> Path | None:
    """The same directory, or None: for tests that then do with our own catalogue."""
    return retail()


def run_shell(example: Example) -> None:
    """Run the ``footfall`` lines of a shell block, one after the other, in a directory of the document's own.

    What is a matter of installing, or runs for ever (``make``, ``git``, ``footfall up``), is left out.
    An example's commands find the example's files.
    """
    directory = Path(example.namespace["directory"].name)
    document = Path(example.document.path)
    if document.parent.parent == ROOT / "examples":
        shutil.copytree(document.parent, directory, dirs_exist_ok=True)
    for line in str(example.parsed).replace("\\\n", " ").splitlines():
        command = line.removeprefix("$ ").split(" #")[0].strip()
        if command.startswith("footfall ") and not command.startswith("footfall up"):
            run_footfall(command, directory)


def run_footfall(command: str, directory: Path) -> None:
    """Run one command as a reader would, and fail with what it said on standard error."""
    arguments = shlex.split(command)[1:]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(
        [sys.executable, "-m", "footfall.apps.cli", *arguments],
        cwd=directory,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, f"{command}\n{done.stderr}"


def in_a_directory_of_its_own(namespace: dict[str, Any]) -> None:
    """Each document's commands share one directory, empty at first."""
    namespace["directory"] = tempfile.TemporaryDirectory(prefix="footfall-docs-")


def clean_up(namespace: dict[str, Any]) -> None:
    """Remove the document's directory."""
    namespace["directory"].cleanup()


pytest_collect_file = Sybil(
    parsers=[
        CodeBlockParser(language="python", evaluator=PythonEvaluator()),
        CodeBlockParser(language="sh", evaluator=run_shell),
        SkipParser(),
    ],
    patterns=["README.md", "docs/*.md", "docs/**/*.md", "examples/*/README.md"],
    setup=in_a_directory_of_its_own,
    teardown=clean_up,
).pytest()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> object:
    """Hand out whole files, to as many as run side by side; all that need a browser go to one, after one another."""
    from xdist.scheduler import LoadFileScheduling

    class OneBrowser(LoadFileScheduling):  # type: ignore[misc] # it has no types
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.split("::", 1)[0]
            return "tests/e2e" if file.startswith("tests/e2e/") else file

    return OneBrowser(config, log)
