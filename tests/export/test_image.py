"""What the Dockerfile may say, since there is no Docker here to say it: pinned, hashes checked, nobody's root."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from fnmatch import fnmatch
from pathlib import Path

from footfall.apps.export.deployment import DATA_DIR, STATUS_PORT, USER
from tests.export.exporting import understood

ROOT = Path(__file__).parents[2]


def instructions() -> list[tuple[str, str]]:
    """The instructions of the Dockerfile, each with what follows it."""
    text = re.sub(r"^#.*\n", "", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE).replace("\\\n", " ")
    return [(name, " ".join(rest)) for name, *rest in (line.split() for line in text.splitlines() if line.strip())]


def last_stage() -> list[tuple[str, str]]:
    """Those that make the image itself."""
    every = instructions()
    return every[max(at for at, (name, _) in enumerate(every) if name == "FROM") :]


def told(name: str) -> list[str]:
    return [text for one, text in instructions() if one == name]


def test_the_images_it_is_made_from_are_pinned() -> None:
    assert [text for text in told("FROM") if not re.match(r"[a-z/]+:\d+\.\d+\.\d+-[a-z]+-[a-z]+\b", text)] == []
    assert len({text.split()[0] for text in told("FROM")}) == 1, "one Python makes the environment and runs it"


def test_nothing_is_fetched_but_packages_whose_hashes_are_known() -> None:
    installs = [part for text in told("RUN") for part in text.split("&&") if " pip install " in part]

    assert told("ADD") == []
    assert [one for one in installs if "--require-hashes" not in one and "--no-index" not in one] == []
    assert not [text for text in told("RUN") if re.search(r"\b(curl|wget|git|apt-get)\b", text)]


def test_it_runs_as_nobody_who_is_known_and_owns_only_its_data() -> None:
    names = [name for name, _ in last_stage()]
    copies = [text for name, text in last_stage() if name == "COPY"]

    assert told("USER") == [f"{USER}:{USER}"]
    assert not {"RUN", "COPY"} & set(names[names.index("USER") :]), "what root does comes before"
    assert not [text for text in copies if "--chown" in text], "the program cannot change itself"
    assert f"FOOTFALL_DATA_DIR={DATA_DIR}" in " ".join(told("ENV"))


def test_commands_are_run_without_a_shell_and_are_ours() -> None:
    (entry,), (default,), (check,) = told("ENTRYPOINT"), told("CMD"), told("HEALTHCHECK")
    asked = json.loads(check.partition("CMD ")[2])

    assert json.loads(entry) == ["footfall"]
    assert json.loads(default) == ["--help"]
    assert (asked[0], understood(asked[1:])) == ("footfall", "status")
    assert str(STATUS_PORT) in told("EXPOSE")[0].split()


def test_no_secret_is_built_into_it() -> None:
    assert told("ARG") == []
    assert not [text for text in told("ENV") if re.search("password|secret|token", text, re.IGNORECASE)]


def test_what_is_copied_is_there_and_is_all_that_reaches_the_builder() -> None:
    rules = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and line[0] != "#"]
    copied = [source.rstrip("/") for text in told("COPY") if "--from" not in text for source in text.split()[:-1]]

    assert [one for one in copied if not (ROOT / one).exists()] == []
    assert rules[0] == "*", "everything else is left out"
    assert sorted(rule[1:] for rule in rules if rule[0] == "!") == sorted(copied)
    assert any(fnmatch("src/.env", rule) for rule in rules[1:])


def test_the_python_of_the_image_is_the_oldest_that_is_promised() -> None:
    version = re.match(r"python:(\d+)\.(\d+)", told("FROM")[0])

    assert version is not None
    assert (int(version[1]), int(version[2])) == (3, 11)


def test_developers_tools_stay_out_and_every_client_stays_in() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "docker/leave_out.py")], capture_output=True, text=True, check=True
    )
    left_out = set(done.stdout.split())

    assert {"mypy", "ruff", "pytest", "hypothesis", "playwright", "kubernetes-validate"} <= left_out
    needed = ("pyarrow", "streamlit", "confluent-kafka", "fastavro", "redis", "psycopg", "psycopg-binary", "aio-pika")
    assert not {*needed, "footfall"} & left_out


def test_every_extra_for_users_is_in_the_image() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    text = (ROOT / "docker/leave_out.py").read_text()
    named = re.findall(r'"(\w+)"', text.partition("EXTRAS: Final = (")[2].partition(")")[0])

    assert sorted(named) == sorted(set(extras) - {"dev"})
