"""Turns settings into what `footfall export` prints, and command lines in it into what our CLI says of them."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import typer
import yaml

from footfall.apps.cli.app import app

NOTHING: Final = ""
INSIDE: Final = """
replicas: 2
log: kafka://broker:9092?format=avro&registry=http://registry:8081
store: redis://cache:6380/1
warehouse: postgresql://shop@database:5433/clicks
pipeline:
  partitions: 4
"""
OUTSIDE: Final = """
log: kafka://broker.example.com:9092?sasl.password=hunter2
store: rediss://:hunter2@cache.example.com:6380/0
warehouse: postgresql://shop:hunter2@database.example.com/clicks
"""
EVERYTHING: Final = """
port: 8010
replicas: 3
data: clicks.tsv
products: products.json
users: users.json
patterns: mine.yaml
pipeline: {partitions: 6, lateness_minutes: 2}
web: {mask_ip: true, trusted_proxies: [10.0.0.0/8]}
services:
  - {name: shoes, run: [run, own/shoes.py, --batch-size=500], replicas: 2}
  - {name: again, run: [replay, clicks.tsv, --name, twice, --rate, "5", --no-keep-timing]}
"""
SETTINGS: Final = {"nothing": NOTHING, "inside": INSIDE, "outside": OUTSIDE, "everything": EVERYTHING}


def prepare(directory: Path, settings: str) -> None:
    """Make a directory in which these settings can be used."""
    (directory / "own").mkdir()
    for name in ("clicks.tsv", "products.json", "users.json", "own/shoes.py"):
        (directory / name).write_text(f"the text of {name}\n")
    (directory / "mine.yaml").write_text("patterns: []\n")
    if settings:
        (directory / "footfall.yaml").write_text(settings)


def export(*arguments: str) -> str:
    """What the command prints. Raises what it raises."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        app(["export", *arguments], standalone_mode=False)
    return printed.getvalue()


def documents(text: str) -> list[dict[str, Any]]:
    """The documents of a YAML file."""
    return list(yaml.load_all(text, Loader=yaml.CSafeLoader))


def understood(arguments: Sequence[str]) -> str:
    """The name of the command that these arguments are for. Raises when the CLI would refuse them."""
    command: Any = typer.main.get_command(app)
    context = command.make_context("footfall", list(arguments), resilient_parsing=True)
    names, rest = ["footfall"], list(arguments)
    while hasattr(command, "commands"):
        name, command, rest = command.resolve_command(context, rest)
        names.append(name)
    with command.make_context(names[-1], rest):
        return " ".join(names[1:])
