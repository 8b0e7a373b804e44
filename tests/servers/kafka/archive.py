"""Turns one run of Kafka into an archive of its classes, from which later ones start with two thirds of the work."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from tests.servers.kafka import ARCHIVE, Kafka


class Archiving(Kafka):
    """A Kafka that writes down what it loaded, when it ends."""

    leisure: ClassVar = 60.0

    def command(self, program: Path) -> Sequence[str | Path]:
        java, *options = super().command(program)
        return (java, f"-XX:ArchiveClassesAtExit={ARCHIVE}", *options)


def main() -> None:
    """Make the archive anew. Without one, or with one of another Java, Kafka runs all the same."""
    ARCHIVE.unlink(missing_ok=True)
    with Archiving() as kafka:
        kafka.stop()


if __name__ == "__main__":
    main()
