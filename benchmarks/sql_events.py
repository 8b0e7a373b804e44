"""Turns a seed into files of users and clicks for queries: the same for the same seed, as NDJSON."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

START: Final = np.datetime64("2026-03-01T00:00:00.000", "ms")
_DAY: Final = 86_400_000
_VISITORS: Final = 20_000
_CLICKS_A_VISIT: Final = 8
_BETWEEN: Final = 20_000
"""Milliseconds between two clicks of a visit, on average."""
_DISORDER: Final = 10_000
"""Milliseconds by which a click may come too late; the queries wait for three times as long."""
_LEVELS: Final = ("BRONZE", "SILVER", "GOLD", "PLATINUM")
_ACTIONS: Final = ("vitrine_nav", "checkout", "product_detail", "products", "selection", "cart")
_DEVICES: Final = ("mobile", "computer", "tablet")
_CATEGORIES: Final = ("clothing", "shoes", "kitchen", "garden")

Numbers = npt.NDArray[Any]


def write_events(folder: Path, clicks: int, *, seed: int = 1, parts: int = 2) -> None:
    """``Users`` and ``Clicks`` in the folder, each a folder of ``parts`` files; a line goes to each in turn.

    Also ``Users.ndjson`` and ``Clicks.ndjson``, with all lines in their order.
    """
    random = np.random.default_rng(seed)
    _write(folder, "Users", _users(random), parts)
    _write(folder, "Clicks", _clicks(random, clicks), parts)


def _users(random: np.random.Generator) -> list[str]:
    levels = random.choice(len(_LEVELS), _VISITORS, p=(0.4, 0.3, 0.2, 0.1))
    return [
        f'{{"user_id":"u{number:05}","name":"Visitor {number}","level":"{_LEVELS[level]}"}}\n'
        for number, level in enumerate(levels.tolist())
    ]


def _clicks(random: np.random.Generator, count: int) -> list[str]:
    """A day of visits, in the order in which the clicks come in."""
    visits = count // _CLICKS_A_VISIT + 1
    visit = np.sort(random.integers(0, visits, count))
    first = np.searchsorted(visit, visit)
    steps = np.cumsum(random.exponential(_BETWEEN, count))
    times = random.integers(0, _DAY, visits)[visit] + (steps - steps[first]).astype(np.int64)
    order = np.argsort(times + random.integers(0, _DISORDER, count), kind="stable")
    users = random.integers(0, _VISITORS, visits)[visit][order]
    stamps = np.datetime_as_string(START + times[order].astype("timedelta64[ms]"))
    columns = (random.integers(0, most, count).tolist() for most in (500, len(_ACTIONS), len(_DEVICES)))
    return [
        f'{{"user_id":"u{user:05}","page":{page + 1},"action":"{_ACTIONS[action]}","device":"{_DEVICES[device]}",'
        f'"product":"p{page}","category":"{_CATEGORIES[page % len(_CATEGORIES)]}","gender":"{"FM"[user % 2]}",'
        f'"age":{18 + user % 50},"event_time":"{stamp}"}}\n'
        for user, stamp, page, action, device in zip(users.tolist(), stamps.tolist(), *columns, strict=True)
    ]


def _write(folder: Path, name: str, lines: list[str], parts: int) -> None:
    (folder / name).mkdir(parents=True)
    (folder / f"{name}.ndjson").write_text("".join(lines))
    for part in range(parts):
        (folder / name / f"{part}.ndjson").write_text("".join(lines[part::parts]))
