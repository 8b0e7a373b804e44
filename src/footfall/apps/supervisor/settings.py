"""Turns ``footfall.yaml``, or the built-in default, and the command line into what is to be started.

The file may say:

    data_dir: footfall-data
    port: 8000
    replicas: 1            # of the worker
    data: clicks.tsv       # otherwise a generated clickstream, unless
    demo: false            # says that there is none
    products: products.json
    users: users.json
    patterns: offers.yaml
    pipeline:              # see footfall.pipeline
      partitions: 4
    web:                   # see apps.web.settings
      mask_ip: true
    log: kafka://broker:9092                              # otherwise files in the data directory, and so for
    store: redis://redis:6379/0                           # these two
    warehouse: postgresql://footfall@postgres/clickstream
    streams: […]           # see footfall.pipeline.declared, for these two
    processors: […]
    services:              # what to run besides
      - name: shoes
        run: [run, shoes.py]
        replicas: 2
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic_core import PydanticCustomError

from footfall.apps.status import SERVICE_NAME, SUPERVISOR
from footfall.apps.supervisor.services import Service, footfall_command
from footfall.core.errors import UsageError

FILE: Final = Path("footfall.yaml")
TAKEN: Final = (
    *("worker", "replay", "web", "dashboard", SUPERVISOR),
    *("cart-sink", "clicks-sink", "sessions-sink", "offers-sink"),
    "processors",
)
"""Names of services that are there anyway."""


class ServiceSettings(BaseModel):
    """A service of the user's own."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, Field(pattern=f"^{SERVICE_NAME}$")]
    run: Annotated[tuple[str, ...], Field(min_length=1)]
    """Arguments of ``footfall``."""
    replicas: Annotated[int, Field(ge=1, le=64)] = 1

    @field_validator("name")
    @classmethod
    def _free(cls, name: str) -> str:
        if name in TAKEN:
            raise PydanticCustomError("taken", "Footfall has a service of this name itself")
        if re.fullmatch(r".*-[0-9]+", name):
            raise PydanticCustomError("taken", "A dash and a number at the end are for replicas")
        return name

    def service(self, data_dir: Path, *, settings: Path | None) -> Service:
        """What the supervisor starts, with the settings file in use, if any."""
        return Service(
            name=self.name,
            command=footfall_command(*self.run, *self._options(settings), "--data-dir", str(data_dir)),
            replicas=self.replicas,
            essential=False,
        )

    def _options(self, settings: Path | None) -> list[str]:
        """What `run`, `replay` and `generate` are told besides, where the user has not said it."""
        if self.run[0] not in {"run", "replay", "generate"}:
            return []
        said = {argument.partition("=")[0] for argument in self.run}
        told = {"--name": self.name, "--settings": settings}
        return [text for name, value in told.items() if value and name not in said for text in (name, str(value))]


class Settings(BaseModel):
    """What `footfall up` needs to know."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    data_dir: Path = Path("footfall-data")
    port: Annotated[int, Field(ge=0, le=65535)] = 8000
    """Of shop and collector; the next one is the dashboard's, the one after that has health and metrics. 0: any."""
    replicas: Annotated[int, Field(ge=1, le=64)] = 1
    data: Path | None = None
    demo: bool = True
    """Whether a generated clickstream is replayed where there is no ``data``."""
    products: Path | None = None
    users: Path | None = None
    patterns: Path | None = None
    services: tuple[ServiceSettings, ...] = ()
    log: str | None = None
    """An address of Kafka; the data directory otherwise. Read and checked by footfall.pipeline, as the next two."""
    store: str | None = None
    """An address of Redis."""
    warehouse: str | None = None
    """An address of PostgreSQL."""
    streams: tuple[Any, ...] = ()
    """Declared streams; read and checked by footfall.pipeline.declared, as the next."""
    processors: tuple[Any, ...] = ()
    """Queries and functions."""
    pipeline: dict[str, Any] = {}
    """For the services, which read and check it themselves (footfall.pipeline)."""
    web: dict[str, Any] = {}
    """For the web part, which reads and checks it itself (apps.web.settings)."""
    file: Path | None = Field(default=None, exclude=True)
    """Where these settings stand, if in a file."""

    @field_validator("services")
    @classmethod
    def _different(cls, services: tuple[ServiceSettings, ...]) -> tuple[ServiceSettings, ...]:
        for name, times in Counter(one.name for one in services).items():
            if times > 1:
                raise PydanticCustomError("twice", "{times} services are called {name}", {"times": times, "name": name})
        return services

    @property
    def processor_names(self) -> list[str]:
        """What the declared processors are called, as far as that can be told before they are read."""
        return [str(one.get("name")) for one in self.processors if isinstance(one, dict)]


def read_settings(file: Path | None, **overrides: Any) -> Settings:
    """The settings of the file (``footfall.yaml`` if it is there), with what the command line says on top.

    An override that is None leaves the file's value, or the default.
    """
    given = {name: value for name, value in overrides.items() if value is not None}
    path = file or FILE
    if file is None and not path.exists():
        return validated({}, given, source="the command line")
    return validated(read_yaml(path), {**given, "file": path}, source=str(path))


def read_yaml(path: Path) -> dict[str, Any]:
    """The file's content. YAML is loaded only when there is a file."""
    import yaml

    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise UsageError(f"Settings file {path} does not exist.", remedy="Check the path.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"Settings file {path} cannot be read: {error}.") from error
    except yaml.YAMLError as error:
        place = getattr(error, "problem_mark", None)
        line = f", line {place.line + 1}" if place else ""
        raise UsageError(f"{path}{line}: this is not YAML ({getattr(error, 'problem', error)}).") from error
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise UsageError(f"{path}: settings are expected, one `name: value` a line.")
    return content


def validated(content: dict[str, Any], given: dict[str, Any], *, source: str) -> Settings:
    """The settings, or a message that names the place and what is allowed there."""
    try:
        return Settings.model_validate({**content, **given})
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        known = ", ".join(name for name in Settings.model_fields if name != "file")
        raise UsageError(f"{source}, {field}: {first['msg']}.", remedy=f"Settings there are: {known}.") from error
