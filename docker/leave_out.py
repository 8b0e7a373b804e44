"""Turns an environment in which everything pinned is installed into the list of what running Footfall does not need.

Hashes are checked for all that constraints.txt names, tools for developers among it; these have no place in an image.
"""

from __future__ import annotations

import re
import sys
from importlib import metadata
from typing import Final

from packaging.requirements import Requirement

EXTRAS: Final = ("kafka", "avro", "redis", "postgres", "rabbitmq")


def needed(requirement: Requirement, found: set[tuple[str, str]]) -> None:
    """Add the names that this requirement leads to, each with the extras it is wanted with."""
    name = re.sub(r"[-_.]+", "-", requirement.name).lower()
    wanted = [extra for extra in ("", *requirement.extras) if (name, extra) not in found]
    found.update((name, extra) for extra in wanted)
    for text in metadata.requires(name) or () if wanted else ():
        further = Requirement(text)
        if further.marker is None or any(further.marker.evaluate({"extra": extra}) for extra in wanted):
            needed(further, found)


def main() -> None:
    """Print the names of the distributions to uninstall, one a line."""
    found: set[tuple[str, str]] = set()
    needed(Requirement(f"footfall[{','.join(EXTRAS)}]"), found)
    kept = {name for name, _ in found}
    there = {re.sub(r"[-_.]+", "-", one.name).lower() for one in metadata.distributions()}
    sys.stdout.writelines(f"{name}\n" for name in sorted(there - kept))


if __name__ == "__main__":
    main()
