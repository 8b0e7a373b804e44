"""Runs a worker that stops itself in the middle of its work: ``python -m tests.faults.frozen_worker POINT BUG run …``.

It does so once, at the fifth time that it comes to the point, and goes on when somebody sends SIGCONT.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from typing import Any, Final

from footfall.log.checkpoints.redis import RedisCheckpoints
from footfall.log.kafka import Membership
from footfall.log.kafka.writing import Writer
from footfall.stores.redis import live
from footfall.stores.redis.live import LiveKeys
from tests.faults.buggy_kafka import BUGS as KAFKA_BUGS

TIMES: Final = 5


def stop_before(owner: type, name: str, *, counts: Callable[..., bool] = lambda *_: True) -> None:
    """Freeze this process when the method is called for the fifth time with what counts."""
    method, called = getattr(owner, name), [0]

    def stopping(self: Any, *arguments: Any, **named: Any) -> Any:
        if counts(*arguments):
            called[0] += 1
            if called[0] == TIMES:
                os.kill(os.getpid(), signal.SIGSTOP)
        return method(self, *arguments, **named)

    setattr(owner, name, stopping)


POINTS: Final[dict[str, Callable[[], None]]] = {
    "before outputs": lambda: stop_before(Writer, "write", counts=bool),
    "between outputs and save": lambda: stop_before(
        RedisCheckpoints, "save", counts=lambda positions, _: bool(positions)
    ),
    "before publishing": lambda: stop_before(LiveKeys, "publish"),
    "before the next turn": lambda: stop_before(Membership, "owned"),
}


def publishes_after_all() -> None:
    """Nobody minds having stood still, and views are taken from whoever comes."""
    refusal = "> turn then return 0 end"
    assert refusal in live._PUBLISH
    vars(live)["_PUBLISH"] = live._PUBLISH.replace(refusal, "> turn then break end")
    Membership.check = lambda _: None  # type: ignore[method-assign, assignment]


BUGS: Final = {**KAFKA_BUGS, "nothing": lambda: None, "publishes_after_all": publishes_after_all}


if __name__ == "__main__":
    point, bug = sys.argv.pop(1), sys.argv.pop(1)
    BUGS[bug]()
    POINTS[point]()
    from footfall.apps.cli.main import main

    main()
