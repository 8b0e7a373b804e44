"""Turns ``footfall.yaml``, or the built-in default, and the command line into what is to be started.

The file may say:

    data_dir: footfall-data
    port: 8000
    replicas: 1            # of the worker
    data: clicks.tsv       # otherwise a generated clickstream
    products: products.json
    users: users.json
    patterns: offers.yaml
    pipeline:              # see footfall.pipeline
      partitions: 4
    services:              # what to run besides
      - name: shoes
        run: [run, shoes.py]
        replicas: 2
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from footfall.apps.supervisor.services import Service, footfall_command
from footfall.core.errors import UsageError

FILE: Final = Path("footfall.yaml")


class ServiceSettings(BaseModel):
    """A service of the user's own."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,40}$")]
    run: Annotated[tuple[str, ...], Field(min_length=1)]
    """Arguments of ``footfall``."""
    replicas: Annotated[int, Field(ge=1, le=64)] = 1

    def service(self, data_dir: Path) -> Service:
        """What the supervisor starts."""
        name = ("--name", self.name) if self.run[0] in {"run", "replay"} and "--name" not in self.run else ()
        command = footfall_command(*self.run, *name, "--data-dir", str(data_dir))
        return Service(name=self.name, command=command, replicas=self.replicas, essential=False)


class Settings(BaseModel):
    """What `footfall up` needs to know."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    data_dir: Path = Path("footfall-data")
    port: Annotated[int, Field(ge=0, le=65535)] = 8000
    """0 takes any free port."""
    replicas: Annotated[int, Field(ge=1, le=64)] = 1
    data: Path | None = None
    products: Path | None = None
    users: Path | None = None
    patterns: Path | None = None
    services: tuple[ServiceSettings, ...] = ()
    pipeline: dict[str, Any] = {}
    """For the services, which read and check it themselves (footfall.pipeline)."""
    file: Path | None = Field(default=None, exclude=True)
    """Where these settings stand, if in a file."""


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
