"""Turns one run of Flink into an archive of its classes, from which later ones start with half of the work."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from footfall.sql.flink.gateway import Gateway
from tests.servers.flink import ARCHIVE, Flink


class Archiving(Flink):
    """A Flink that writes down what it loaded, when it ends."""

    leisure: ClassVar = 60.0

    def command(self, program: Path) -> Sequence[str | Path]:
        java, *options = super().command(program)
        return (java, f"-XX:ArchiveClassesAtExit={ARCHIVE}", *options)


def main() -> None:
    """Make the archive anew. Without one, or with one of another Java, Flink runs all the same."""
    ARCHIVE.unlink(missing_ok=True)
    with Archiving() as flink:
        with Gateway(flink.gateway).session() as session:  # a first query loads as much as the start
            list(session.execute("SELECT name, COUNT(*) FROM (VALUES ('a'), ('b')) AS t (name) GROUP BY name").rows())
        flink.stop()


if __name__ == "__main__":
    main()
