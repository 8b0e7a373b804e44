"""Turns ``footfall.yaml`` and the built-in defaults into a pipeline: its streams, its processors, and how they are set.

The file may say where the parts are, and how they are set:

    log: kafka://broker:9092
    store: redis://redis:6379/0
    warehouse: postgresql://footfall@db/clickstream

    pipeline:
      partitions: 2            # of each stream, when it is made
      keep_days: 7             # how long the log keeps events
      keep_gigabytes: 20       # and at most how much, a stream
      lateness_minutes: 10     # how far clicks may be out of order
      session_gap_minutes: 30
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeVar

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
    def checkpoints(self) -> Path:
        """Positions and state for a log that keeps none itself."""
        return self.root / "checkpoints"

    @property
    def generation(self) -> Path:
        """By what a store on a server is known again, see ``servers.redis.server``."""
        return self.root / "store.generation"

    @property
    def warehouse(self) -> Path:
        """Parquet files, a folder a stream."""
        return self.root / "warehouse"

    @property
    def run(self) -> Path:
        """Heartbeats, logs and locks of what runs."""
        return self.root / "run"


EMBEDDED: Final = "embedded"
_SERVERS: Final = {"log": ("kafka",), "store": ("redis", "rediss"), "warehouse": ("postgresql", "postgres")}
"""What can stand in for each embedded part: how the addresses of these servers begin."""


class Addresses(msgspec.Struct, frozen=True, kw_only=True):
    """Where the pipeline's parts are: in the data directory, or on servers."""

    log: str = EMBEDDED
    store: str = EMBEDDED
    warehouse: str = EMBEDDED

    @property
    def variables(self) -> dict[str, str]:
        """What the environment says so that every process finds the same."""
        return {f"FOOTFALL_{part.upper()}": getattr(self, part) for part in _SERVERS}

    def __repr__(self) -> str:
        return "Addresses(…)"  # they may hold passwords


def read_addresses(file: Path | None, environment: Mapping[str, str]) -> Addresses:
    """``log``, ``store`` and ``warehouse`` of the file (``footfall.yaml`` if it is there).

    ``FOOTFALL_LOG``, ``FOOTFALL_STORE`` and ``FOOTFALL_WAREHOUSE`` in the environment come first: passwords are better
    kept there. Raises UsageError for an address of a kind that there is not; a password is not shown.
    """
    content = _content(file) if file is not None or FILE.exists() else {}
    found = {}
    for part, kinds in _SERVERS.items():
        variable = f"FOOTFALL_{part.upper()}"
        address = environment.get(variable) or content.get(part) or EMBEDDED
        kind = str(address).partition("://")[0]
        if address != EMBEDDED and kind not in kinds:
            where = variable if environment.get(variable) else f"{file or FILE}, {part}"
            raise UsageError(
                f"{where}: there is no {part} of the kind {kind[:20]!r}.",
                remedy=f"Write {EMBEDDED}, or an address that begins with {kinds[0]}://.",
            )
        found[part] = str(address)
    return Addresses(**found)


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
    section = _content(file).get(name) or {}
    try:
        return msgspec.convert(section, kind), bool(section)
    except msgspec.ValidationError as error:
        known = ", ".join(f.name for f in msgspec.structs.fields(kind) if f.encode_name.isidentifier())
        raise UsageError(f"{path}, section {name}: {error}.", remedy=f"Settings there are: {known}.") from error


def _content(file: Path | None) -> dict[str, Any]:
    """All that stands in the file. YAML is loaded only when there is one."""
    import yaml

    path = file or FILE
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except FileNotFoundError as error:
        raise UsageError(f"Settings file {path} does not exist.", remedy="Check the path.") from error
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UsageError(f"Settings file {path} cannot be read: {error}.") from error
    if not isinstance(content, dict):
        raise UsageError(f"{path}: settings are expected, one `name: value` a line.")
    return content
