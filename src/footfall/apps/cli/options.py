"""Turns what every command understands into types: the data directory, JSON, and files to read.

The only module that reads the environment.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping as Mapping_
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final

import typer

from footfall.apps.status import SERVICE_NAME, SUPERVISOR
from footfall.core.errors import UsageError

DATA_DIR: Final = Path("footfall-data")
DATA_DIR_VARIABLE: Final = "FOOTFALL_DATA_DIR"

DataDir = Annotated[
    Path,
    typer.Option(
        "--data-dir",
        envvar=DATA_DIR_VARIABLE,
        metavar="DIR",
        help="Where Footfall keeps everything: the log, look-up data, views, and what runs.",
    ),
]
RABBITMQ_VARIABLE: Final = "FOOTFALL_RABBITMQ"
RabbitAddress = Annotated[
    str | None,
    typer.Option(
        "--url",
        envvar=RABBITMQ_VARIABLE,
        metavar="URL",
        help="For rabbitmq: amqp://USER:PASSWORD@HOST:5672/VHOST, or amqps:// for TLS.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON on standard output, and nothing else there.")]
Mapping = Annotated[
    list[str] | None,
    typer.Option(
        "--map",
        metavar="COLUMN=FIELD",
        help="Read our FIELD from the file's COLUMN, for layouts that are not known. May be repeated.",
    ),
]

LOOPBACK: Final = "127.0.0.1"
Host = Annotated[
    str, typer.Option(metavar="ADDRESS", help="Listen here; 0.0.0.0 is everywhere, and then anybody can ask.")
]
STATUS_AT_VARIABLE: Final = "FOOTFALL_STATUS_AT"
StatusAt = Annotated[
    str | None,
    typer.Option(
        "--status-at",
        envvar=STATUS_AT_VARIABLE,
        metavar="ADDRESS:PORT",
        help="Answer /alive, /health and /metrics of this service here. [default: nowhere]",
    ),
]

SettingsFile = Annotated[
    Path | None,
    typer.Option("--settings", metavar="FILE", help="Settings. [default: footfall.yaml, if it is there]"),
]


def calm_libraries() -> None:
    """Keep numpy from starting threads for linear algebra: Footfall does none, and each start would wait for them."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # noqa: TID251 - the one module that may


def announce(addresses: Mapping_[str, str]) -> None:
    """Tell all that this process starts where the parts of the pipeline are, whatever settings file they read."""
    os.environ.update(addresses)  # noqa: TID251 - the one module that may


def may_name_servers() -> bool:
    """Whether there is anything that could name servers: a settings file, or variables."""
    named = any(name in os.environ for name in ("FOOTFALL_LOG", "FOOTFALL_STORE", "FOOTFALL_WAREHOUSE"))  # noqa: TID251
    return named or Path("footfall.yaml").exists()


def data_dir_of(arguments: Sequence[str]) -> Path:
    """The data directory that these arguments mean, found without parsing them: for crash reports only."""
    for at, argument in enumerate(arguments):
        if argument == "--data-dir" and at + 1 < len(arguments):
            return Path(arguments[at + 1])
        if argument.startswith("--data-dir="):
            return Path(argument.partition("=")[2])
    return Path(os.environ.get(DATA_DIR_VARIABLE) or DATA_DIR)  # noqa: TID251 - the one module that may


def parse_mapping(pairs: Sequence[str] | None) -> dict[str, str]:
    """``["Item=productId"]`` as ``{"Item": "productId"}``."""
    mapping: dict[str, str] = {}
    for pair in pairs or ():
        column, sign, field = pair.rpartition("=")
        if not (sign and column and field):
            raise UsageError(
                f"--map {pair}: this is not COLUMN=FIELD.", remedy="Write, for example, --map Item=productId."
            )
        mapping[column] = field
    return mapping


def service_name(text: str) -> str:
    """The name, if a service may be called so."""
    if text == SUPERVISOR or not re.fullmatch(SERVICE_NAME, text):
        why = "this is the name of `footfall up` itself" if text == SUPERVISOR else "this is no name of a service"
        raise UsageError(
            f"--name {text}: {why}.",
            remedy="A name has lower-case letters, digits and dashes, begins with a letter, and is at most 41 long.",
        )
    return text


def existing_file(path: Path, *, what: str = "File") -> Path:
    """The path, if there is a file to read; a message that says what is wrong otherwise."""
    if path.is_dir():
        raise UsageError(f"{what} {path} is a directory.", remedy="Name a file in it.")
    if not path.exists():
        raise UsageError(f"{what} {path} does not exist.", remedy="Check the path.")
    if not os.access(path, os.R_OK):
        raise UsageError(f"No rights to read {path}.", remedy="Give this user the right to read it.")
    return path


def existing_data(data_dir: Path) -> Path:
    """The data directory, if something was ever put into it."""
    if not data_dir.is_dir():
        raise UsageError(
            f"There is no data directory {data_dir}.",
            remedy="Start with `footfall up` or `footfall backfill`, or name another one with --data-dir.",
        )
    return data_dir
