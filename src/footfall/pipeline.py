"""Turns ``footfall.yaml`` and the built-in defaults into a pipeline: its streams, its processors, and how they are set.

The file's section ``pipeline`` may say:

    pipeline:
      partitions: 2            # of each stream, when it is made
      keep_days: 7             # how long the log keeps events
      keep_gigabytes: 20       # and at most how much, a stream
      lateness_minutes: 10     # how far clicks may be out of order
      session_gap_minutes: 30
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, TypeVar

import msgspec

from footfall.core.errors import UsageError
from footfall.core.events import CART, CLICKS, CUSTOM, ENRICHED, FAILED, OFFERS, SESSIONS, SHOWN
from footfall.core.watermarks import WatermarkSettings
from footfall.log.base import StreamSettings

if TYPE_CHECKING:  # who only reads settings need not load the processors
    from footfall.engine.stage import ChainSettings
    from footfall.processors.base import Processor
    from footfall.processors.pattern_model import PatternSet

T = TypeVar("T", bound=msgspec.Struct)

ENRICHMENT: Final = "enrichment"
FOLLOWERS: Final = ("aggregation", "sessions", "behaviour")
PROCESSORS: Final = (ENRICHMENT, *FOLLOWERS)
FILE: Final = Path("footfall.yaml")


@dataclass(frozen=True, slots=True)
class DataDirectory:
    """Where everything lies."""

    root: Path

    @property
    def log(self) -> Path:
        """Segments and manifest of the embedded log."""
        return self.root / "log"

    @property
    def warehouse(self) -> Path:
        """Parquet files, a folder a stream."""
        return self.root / "warehouse"

    @property
    def run(self) -> Path:
        """Heartbeats, logs and locks of what runs."""
        return self.root / "run"


class Pipeline(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What the data goes through. Every field has its unit in its name."""

    partitions: Annotated[int, msgspec.Meta(ge=1, le=64)] = 2
    keep_days: Annotated[float, msgspec.Meta(gt=0)] = 7
    keep_gigabytes: Annotated[float, msgspec.Meta(gt=0)] = 20
    lateness_minutes: Annotated[float, msgspec.Meta(ge=0)] = 10
    session_gap_minutes: Annotated[float, msgspec.Meta(gt=0)] = 30
    written: bool = msgspec.field(default=False, name="-")
    """Whether a settings file said so: only then is what there is changed."""

    @property
    def lateness(self) -> timedelta:
        """How far clicks may be out of order."""
        return timedelta(minutes=self.lateness_minutes)

    def streams(self) -> dict[str, StreamSettings]:
        """The streams and how each is cut and kept."""
        keyed = StreamSettings(
            partitions=self.partitions,
            keep_for=timedelta(days=self.keep_days),
            keep_bytes=int(self.keep_gigabytes * 1_000_000_000),
        )
        failed = StreamSettings(
            partitions=1, keep_for=keyed.keep_for, keep_bytes=int(self.keep_gigabytes * 100_000_000)
        )
        streams = dict.fromkeys((CLICKS, ENRICHED, SESSIONS, OFFERS, CART, CUSTOM, SHOWN), keyed)
        return {**streams, FAILED: failed}

    def chain(self, names: Sequence[str], *, patterns: PatternSet, max_rows: int = 100_000) -> ChainSettings:
        """The processors of these names, in the order of the data's way."""
        from footfall.engine.stage import ChainSettings
        from footfall.processors.aggregate import Aggregation
        from footfall.processors.behaviour import Behaviour
        from footfall.processors.enrichment.processor import Enrichment
        from footfall.processors.sessions import Sessions

        unknown = [name for name in names if name not in PROCESSORS]
        if unknown:
            raise UsageError(
                f"There is no processor called {unknown[0]}.",
                remedy=f"There are: {', '.join(PROCESSORS)}; or name a Python file with functions of your own.",
            )
        watermark = WatermarkSettings(lateness=self.lateness)
        settings: dict[str, Processor] = {
            "aggregation": Aggregation(),
            "sessions": Sessions(gap=timedelta(minutes=self.session_gap_minutes)),
            "behaviour": Behaviour(patterns),
        }
        return ChainSettings(
            enrichment=Enrichment(watermark=watermark) if ENRICHMENT in names else None,
            followers=[settings[name] for name in FOLLOWERS if name in names],
            max_rows=max_rows,
            watermark=watermark,
        )


def read_pipeline(file: Path | None = None) -> Pipeline:
    """The section ``pipeline`` of the file (``footfall.yaml`` if it is there); the defaults where it says nothing.

    Raises UsageError naming the file, the setting and the settings that there are.
    """
    found, written = read_section(file, "pipeline", Pipeline)
    return msgspec.structs.replace(found, written=written)


def read_section(file: Path | None, name: str, kind: type[T]) -> tuple[T, bool]:
    """A section of the file (``footfall.yaml`` if it is there) as these settings, and whether the file has it.

    Raises UsageError naming the file, the setting and the settings that there are.
    """
    path = file or FILE
    if file is None and not path.exists():
        return kind(), False
    import yaml

    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
        section = content.get(name) or {}
        return msgspec.convert(section, kind), bool(section)
    except FileNotFoundError as error:
        raise UsageError(f"Settings file {path} does not exist.", remedy="Check the path.") from error
    except (OSError, UnicodeDecodeError, yaml.YAMLError, AttributeError) as error:
        raise UsageError(f"Settings file {path} cannot be read: {error}.") from error
    except msgspec.ValidationError as error:
        known = ", ".join(f.name for f in msgspec.structs.fields(kind) if f.encode_name.isidentifier())
        raise UsageError(f"{path}, section {name}: {error}.", remedy=f"Settings there are: {known}.") from error
