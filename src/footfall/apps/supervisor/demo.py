"""Turns an empty data directory into something to look at: a generated clickstream, its products and visitors.

Each step runs as a command of its own, because the supervisor itself stays small.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Final

from footfall.apps.supervisor.services import bound_to_us, footfall_command
from footfall.core.errors import Failure, UsageError

EVENTS: Final = 200_000
SEED: Final = 1
PER_SECOND: Final = 100

Say = Callable[[str], None]


def demo_clicks(data_dir: Path, *, say: Say) -> Path:
    """The generated clickstream, made (with its look-up data loaded) when it is not there yet."""
    directory = data_dir / "demo"
    clicks, ready = directory / "clicks.tsv", directory / "ready"
    if ready.exists() and clicks.exists():
        return clicks
    directory.mkdir(parents=True, exist_ok=True)
    say(f"Generating {EVENTS:,} clicks to replay (once) …")
    command("generate", "--events", str(EVENTS), "--seed", str(SEED), "--out", str(clicks), "--lookups", str(directory))
    load("products", directory / "products.json", data_dir=data_dir, say=say)
    load("users", directory / "users.json", data_dir=data_dir, say=say)
    ready.touch()
    return clicks


def load(kind: str, file: Path, *, data_dir: Path, say: Say) -> None:
    """Load products or users into the serving store."""
    say(f"Loading {kind} from {file} …")
    command("load", kind, str(file), "--data-dir", str(data_dir))


def command(*arguments: str) -> None:
    """Run one of our own commands to its end; its error becomes ours."""
    done = subprocess.run(
        bound_to_us(footfall_command(*arguments)),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode == 0:
        return
    text = done.stderr.strip().removeprefix("Error: ") or f"footfall {arguments[0]} ended with {done.returncode}."
    if done.returncode == UsageError.exit_code:
        raise UsageError(text)
    raise Failure(text)
