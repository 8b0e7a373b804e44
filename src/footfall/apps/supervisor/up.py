"""Turns settings into a running Footfall: checks first, then look-up data, then services, until Ctrl-C."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

from footfall.apps.supervisor import demo
from footfall.apps.supervisor.description import Where, described, look_ups
from footfall.apps.supervisor.display import LiveDisplay, PlainDisplay, open_display
from footfall.apps.supervisor.http import StatusServer
from footfall.apps.supervisor.lock import only_one
from footfall.apps.supervisor.ports import HOST, Ports
from footfall.apps.supervisor.services import Service, replay
from footfall.apps.supervisor.settings import Settings
from footfall.apps.supervisor.supervisor import Supervisor
from footfall.core.errors import Failure, UsageError


def up(settings: Settings, *, replaying: Sequence[str] = ()) -> None:
    """Run everything until a signal comes. Raises before anything is started when it cannot work.

    ``replaying`` are options of ``footfall replay`` for the user's own file.
    """
    run_dir = prepared(settings.data_dir)
    with only_one(run_dir):
        looked: list[Supervisor] = []
        ports = Ports.from_first(settings.port)
        server = StatusServer(ports.status, lambda: looked[0].statuses if looked else ())
        display = open_display()
        complaint = ""
        try:
            server.start()
            supervisor = Supervisor(services(settings, ports, display, replaying), run_dir=run_dir, display=display)
            looked.append(supervisor)
            greet(settings, ports, display)
            complaint = supervisor.run()
        finally:
            display.close()
            server.close()
        if complaint:
            raise UsageError(complaint.removeprefix("Error: "))
        display.print(f"Stopped. Everything is in {settings.data_dir}; `footfall up` goes on from here.")


def prepared(data_dir: Path) -> Path:
    """The directory for what runs, made if need be."""
    run_dir = data_dir / "run"
    try:
        run_dir.mkdir(parents=True, exist_ok=True)
        probe = run_dir / ".writable"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise Failure(
            f"Cannot write to the data directory {data_dir}: {error.strerror}.",
            remedy="Give this user the right to write there, or choose another one with --data-dir.",
        ) from error
    return run_dir


def services(
    settings: Settings, ports: Ports, display: PlainDisplay | LiveDisplay, replaying: Sequence[str]
) -> list[Service]:
    """What is to run. Loads look-up data and makes the demo's clicks on the way."""
    data_dir = settings.data_dir
    for kind, file in look_ups(settings):
        demo.load(kind, file, data_dir=data_dir, say=display.print)
    source: Service | None = None
    if settings.data is not None:
        source = replay(data_dir=data_dir, file=settings.data, options=replaying, settings=settings.file)
    elif settings.demo:
        clicks = demo.demo_clicks(data_dir, say=display.print)
        pace = ("--no-keep-timing", "--rate", str(demo.PER_SECOND))
        source = replay(data_dir=data_dir, file=clicks, options=pace, settings=settings.file)
    where = Where(
        data_dir=data_dir,
        settings=settings.file,
        patterns=settings.patterns or own_patterns(data_dir),
        shop_port=ports.shop,
        dashboard_port=ports.dashboard,
        dashboard_address=address(ports.dashboard),
    )
    return described(settings, where, source=source)


def own_patterns(data_dir: Path) -> Path:
    """The pattern file that the user may edit: a copy of the built-in one, made at the first start."""
    path = data_dir / "offers.yaml"
    if not path.exists():
        draft = path.with_name(".offers.yaml")
        draft.write_bytes((files("footfall.processors") / "offers.yaml").read_bytes())
        draft.replace(path)
    return path


def address(port: int) -> str:
    """What to open in a browser."""
    return f"http://{HOST}:{port}"


def greet(settings: Settings, ports: Ports, display: PlainDisplay | LiveDisplay) -> None:
    """Say what runs, and where."""
    data_dir = settings.data_dir
    display.print(f"Footfall is running on {data_dir.resolve()}. Ctrl-C ends it.")
    shop, status = address(ports.shop), address(ports.status)
    display.print(f"  shop      {shop}")
    display.print(f"  dashboard {address(ports.dashboard)}")
    display.print(f"  collector {shop}/collect (takes clicks of other sites; its description: {shop}/docs)")
    if settings.data or settings.demo:
        source = settings.data or data_dir / "demo" / "clicks.tsv"
        display.print(f"  clicks    {source}, again and again")
    for one in settings.services:
        display.print(f"  service   {one.name}: footfall {' '.join(one.run)}")
    for name in settings.processor_names:
        display.print(f"  processor {name}")
    display.print(f"  offers    {settings.patterns or data_dir / 'offers.yaml'} (edit it; no restart is needed)")
    display.print(f"  health    {status}/health   metrics {status}/metrics")
    display.print(f"  logs      {data_dir / 'run' / 'logs'}")
    display.print('  look      footfall status | tail enriched-click-data | query "SELECT * FROM category_popularity"')
