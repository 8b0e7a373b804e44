"""Turns settings into parts that can be deployed: the services of `footfall up`, each in containers of its own.

The list of services is the supervisor's; here, only places change: files lie in `FILES`, what a service keeps in
`DATA_DIR`, and shop and dashboard listen beyond their container.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final

from footfall.apps.export.addresses import KINDS, LOG, RABBITMQ, STORE, WAREHOUSE, Address, Kind, address_of
from footfall.apps.supervisor.description import Where, described, look_ups
from footfall.apps.supervisor.services import Service, arguments_of, replay
from footfall.apps.supervisor.settings import ServiceSettings, Settings
from footfall.core.errors import UsageError
from footfall.pipeline import read_pipeline

DATA_DIR: Final = Path("/data")
FILES: Final = Path("/etc/footfall")
"""Where the user's files are mounted, to be read only."""
USER: Final = 10_001
"""Who runs in our image: nobody that the host knows."""
STATUS_PORT: Final = 9_100
EVERYWHERE: Final = "0.0.0.0"  # noqa: S104 - of a container; who may reach it is the deployment's matter
_SETTINGS: Final = "footfall.yaml"
_PATTERNS: Final = "offers.yaml"
_NAMED: Final = {"run": "worker", "replay": "replay", "serve": "web", "dashboard": "dashboard"}
"""What services call themselves unless they are told otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """What a container gets: so much at most, so many processors for certain, and half of the memory."""

    cpus: float
    memory_mb: int
    sure_cpus: float = 0.25


SIZES: Final[Mapping[str, Size]] = {
    "worker": Size(cpus=2, memory_mb=1536, sure_cpus=1),
    "web": Size(cpus=1, memory_mb=768),
    "dashboard": Size(cpus=1, memory_mb=768),
}
SMALL: Final = Size(cpus=0.5, memory_mb=512, sure_cpus=0.1)
"""Whatever has no entry of its own, such as sinks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A service, as containers see it."""

    name: str
    arguments: tuple[str, ...]
    """What follows ``footfall``."""
    replicas: int = 1
    heartbeat: str | None = None
    """Its name in `footfall status`; None if it shows no signs of life."""
    port: int | None = None
    """Where it answers browsers."""
    needs: tuple[Kind, ...] = (LOG, STORE)
    size: Size = SMALL
    keeps: bool = False
    """Whether its data directory must outlive it."""
    alone: bool = False
    """Whether a second one beside it would only get in its way."""
    once: bool = False
    """Whether it has work that ends."""

    def reads(self, name: str) -> bool:
        """Whether it is told of the user's file of this name."""
        return any(argument.rpartition("=")[2] == in_container(name) for argument in self.arguments)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """Everything that is written down."""

    parts: Sequence[Part]
    loads: Sequence[Part]
    """Look-up data, loaded before the rest begins."""
    files: Mapping[str, Path]
    """The user's own files: what they are called in `FILES`, and where they lie here."""
    sections: Mapping[str, Any]
    """What services read of the settings themselves."""
    addresses: Mapping[Kind, Address]
    partitions: int
    shop_port: int


def deployment(settings: Settings, *, known_as: Sequence[str] = ()) -> Deployment:
    """What these settings describe, for containers. Raises UsageError when containers could not do it."""
    addresses = {kind: address_of(settings, kind) for kind in KINDS}
    partitions = read_pipeline(settings.file).partitions
    if settings.replicas > partitions:
        raise UsageError(
            f"replicas: {settings.replicas} workers for {partitions} partitions: some would have nothing to do.",
            remedy="Ask for fewer workers, or set partitions in the section pipeline before the first start.",
        )
    files = _Files()
    moved = _moved(settings, files)
    port = settings.port or 8000
    where = Where(
        data_dir=DATA_DIR,
        settings=moved.file,
        patterns=moved.patterns,
        shop_port=port,
        dashboard_port=port + 1,
        dashboard_address=f"https://{known_as[0]}" if known_as else f"http://127.0.0.1:{port + 1}",
        host=EVERYWHERE,
        known_as=tuple(known_as),
    )
    source = None
    if moved.data is not None:
        source = replay(data_dir=DATA_DIR, file=moved.data, options=(), settings=moved.file)
    ports = {"web": where.shop_port, "dashboard": where.dashboard_port}
    return Deployment(
        parts=[_part(one, ports) for one in described(moved, where, source=source)],
        loads=[_load(kind, file) for kind, file in look_ups(moved)],
        files=files.found,
        sections={name: value for name in _sections() if (value := getattr(settings, name))},
        addresses=addresses,
        partitions=partitions,
        shop_port=port,
    )


class _Files:
    """Gathers files, and says where they lie in a container."""

    def __init__(self) -> None:
        self.found: dict[str, Path] = {}

    def moved(self, path: Path | None, *, name: str = "") -> Path | None:
        """The path in a container, of a file that is here. Raises UsageError when two would have one name."""
        if path is None:
            return None
        if not path.is_file():
            raise UsageError(f"File {path} does not exist.", remedy="Check the path in the settings.")
        called = name or path.name
        if self.found.setdefault(called, path) != path:
            raise UsageError(
                f"{self.found[called]} and {path} would both be {FILES / called}.", remedy="Rename one of them."
            )
        return FILES / called


def _moved(settings: Settings, files: _Files) -> Settings:
    """The settings with the paths that files have in a container."""
    own = settings.data_dir / _PATTERNS
    patterns = settings.patterns or (own if own.is_file() else None)
    return settings.model_copy(
        update={
            "file": files.moved(settings.file, name=_SETTINGS) if settings.file and _written(settings) else None,
            "patterns": files.moved(patterns, name=_PATTERNS),
            **{name: files.moved(getattr(settings, name)) for name in ("data", "products", "users")},
            "services": tuple(_moved_service(one, files) for one in settings.services),
            "warehouse": settings.warehouse or WAREHOUSE.usual,
        }
    )


def _moved_service(service: ServiceSettings, files: _Files) -> ServiceSettings:
    """A service of the user's own, whose arguments that are files here are files there."""

    def moved(argument: str) -> str:
        option, sign, value = argument.rpartition("=") if argument.startswith("--") else ("", "", argument)
        path = Path(value)
        return f"{option}{sign}{files.moved(path)}" if value and path.is_file() else argument

    first, *others = service.run
    return service.model_copy(update={"run": (first, *map(moved, others))})


def _sections() -> list[str]:
    """The settings that services read themselves are those that hold settings."""
    return [name for name, field in Settings.model_fields.items() if field.annotation == dict[str, Any]]


def _written(settings: Settings) -> bool:
    return any(getattr(settings, name) for name in _sections())


def _part(service: Service, ports: Mapping[str, int]) -> Part:
    arguments = arguments_of(service)
    verb = arguments[0]
    users = service.name not in {"worker", "web", "dashboard", "replay"} and verb != "sink"
    return Part(
        name=service.name,
        arguments=arguments,
        replicas=service.replicas,
        heartbeat=_heartbeat(arguments),
        port=ports.get(service.name),
        needs=(LOG, STORE, *((WAREHOUSE, RABBITMQ) if verb == "sink" or users else ())),
        size=SIZES.get(service.name, SIZES["worker"] if verb == "run" else SMALL),
        keeps=verb == "serve",
        alone=verb in {"serve", "sink", "replay"},
    )


def _load(kind: str, file: Path) -> Part:
    arguments = ("load", kind, str(file), "--data-dir", str(DATA_DIR))
    return Part(name=f"load-{kind}", arguments=arguments, needs=(LOG, STORE), once=True)


def _heartbeat(arguments: Sequence[str]) -> str | None:
    """What the service calls itself, from its command line."""
    for at, argument in enumerate(arguments):
        if argument == "--name" and at + 1 < len(arguments):
            return arguments[at + 1]
        if argument.startswith("--name="):
            return argument.partition("=")[2]
    if arguments[0] == "sink" and len(arguments) > 1:
        return f"{arguments[1]}-sink"
    return _NAMED.get(arguments[0])


def in_container(name: str) -> str:
    """Where a file of the user's lies in a container."""
    return str(PurePosixPath(FILES) / name)
