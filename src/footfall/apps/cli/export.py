"""Turns ``footfall export`` into files for Docker Compose and Kubernetes, on standard output."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from footfall.apps.cli.options import SettingsFile

app = typer.Typer(help="Write what `footfall up` runs for Docker Compose or Kubernetes.", no_args_is_help=True)

Image = Annotated[
    str | None, typer.Option("--image", metavar="NAME", help="The image with Footfall. [default: footfall:VERSION]")
]
Replicas = Annotated[
    int | None,
    typer.Option("--replicas", min=1, max=64, metavar="N", help="How many workers. [default: the settings']"),
]
KnownAs = Annotated[
    list[str] | None,
    typer.Option(
        "--known-as", metavar="NAME", help="Host name under which your proxy shows the dashboard. May be repeated."
    ),
]
DataDirectory = Annotated[
    Path | None,
    typer.Option(
        "--data-dir", metavar="DIR", help="Take its offers.yaml, if the settings name no patterns. [default: as in up]"
    ),
]


@app.command("compose")
def compose(
    image: Image = None,
    replicas: Replicas = None,
    known_as: KnownAs = None,
    settings: SettingsFile = None,
    data_dir: DataDirectory = None,
) -> None:
    """Print a Compose file: Kafka, Redis, PostgreSQL and all services, for one machine."""
    from footfall.apps.export.compose import compose_page
    from footfall.apps.export.deployment import deployment
    from footfall.apps.supervisor.settings import read_settings

    given = read_settings(settings, replicas=replicas, data_dir=data_dir)
    described = deployment(given, known_as=known_as or ())
    sys.stdout.write(compose_page(described, image=image or own_image(), build=image is None))


@app.command("kubernetes")
def kubernetes(
    image: Image = None,
    namespace: Annotated[
        str | None,
        typer.Option(metavar="NS", help="Put everything there. [default: where kubectl puts it]"),
    ] = None,
    replicas: Replicas = None,
    known_as: KnownAs = None,
    settings: SettingsFile = None,
    data_dir: DataDirectory = None,
) -> None:
    """Print manifests for Kubernetes: all services; Kafka, Redis and PostgreSQL are expected to be there."""
    from footfall.apps.export.deployment import deployment
    from footfall.apps.export.kubernetes import kubernetes_page
    from footfall.apps.supervisor.settings import read_settings

    given = read_settings(settings, replicas=replicas, data_dir=data_dir)
    described = deployment(given, known_as=known_as or ())
    sys.stdout.write(kubernetes_page(described, image=image or own_image(), namespace=namespace))


def own_image() -> str:
    """What the image is called that the Dockerfile makes."""
    from importlib import metadata

    return f"footfall:{metadata.version('footfall')}"
