"""Turns ``footfall flink`` into jobs on a Flink cluster: the same SQL, where one machine is not enough."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

from footfall.apps.cli.options import DATA_DIR, AsJson, DataDir, SettingsFile, existing_file
from footfall.apps.cli.output import note, print_json, print_lines, print_table
from footfall.apps.plain import plain
from footfall.core.errors import UsageError

app = typer.Typer(help="Run streaming SQL on a Flink cluster.", no_args_is_help=True)

GATEWAY_VARIABLE: Final = "FOOTFALL_FLINK_GATEWAY"
GatewayAddress = Annotated[
    str,
    typer.Option(
        "--gateway", envvar=GATEWAY_VARIABLE, metavar="URL", help="Flink's SQL Gateway, such as http://127.0.0.1:8083."
    ),
]
Job = Annotated[str, typer.Argument(metavar="JOB", help="The job's id, as `footfall flink status` shows it.")]


@app.command("submit")
def submit(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A file of streaming SQL, with INSERT INTO.")],
    gateway: GatewayAddress,
    kafka: Annotated[
        str | None,
        typer.Option(
            "--kafka", metavar="BROKERS", help="Kafka as the cluster reaches it. [default: the log's address]"
        ),
    ] = None,
    stream: Annotated[
        list[str] | None,
        typer.Option("--stream", metavar="TABLE=STREAM", help="Which stream a table is. May be repeated."),
    ] = None,
    savepoint: Annotated[
        str | None,
        typer.Option("--from-savepoint", metavar="PATH", help="Go on from what `footfall flink stop` kept."),
    ] = None,
    show: Annotated[
        bool, typer.Option("--show", help="Print what would be sent, without passwords, and send nothing.")
    ] = False,
    settings: SettingsFile = None,
    data_dir: DataDir = DATA_DIR,
    as_json: AsJson = False,
) -> None:
    """Submit a file of SQL; print the ids of the jobs that run from then on."""
    text = read(file)
    from footfall.pipeline import read_pipeline
    from footfall.sql.flink.gateway import Gateway
    from footfall.sql.flink.jobs import submit as send
    from footfall.sql.flink.scripts import prepare
    from footfall.wiring.flinking import kafka_address, kafka_place, make_topics
    from footfall.wiring.queries import known_streams

    pipeline = read_pipeline(settings)
    address = kafka_address(kafka, settings=settings)
    place = None if address is None else kafka_place(address)
    place = place.without_secrets() if show and place is not None else place
    with known_streams(data_dir=data_dir, settings=settings, origin=file) as known:
        script = prepare(text, place, streams=parse_streams(stream or ()), known=known)
    if show:
        print_lines(line for one in script.statements for line in f"{plain(one.text, lines=True)};\n".split("\n"))
        return
    cluster = Gateway(gateway)
    version = cluster.version()
    if address is not None:
        make_topics(address, reads=script.reads, writes=script.writes, pipeline=pipeline)
    jobs = send(cluster, script, name=file.stem, savepoint=savepoint)
    for one in jobs:
        if as_json:
            print_json({"job": one.job, "tables": list(one.tables), "flink": version})
        else:
            print_lines([one.job])
            note(f"Runs on Flink {version}, and writes to {', '.join(one.tables)}.")


@app.command("status")
def status(
    gateway: GatewayAddress,
    job: Annotated[str | None, typer.Argument(metavar="JOB", help="Only this one.")] = None,
    data_dir: DataDir = DATA_DIR,  # noqa: ARG001 - every command understands it
    as_json: AsJson = False,
) -> None:
    """List the cluster's jobs: which run, ended or failed."""
    from footfall.sql.flink.gateway import Gateway
    from footfall.sql.flink.jobs import statuses

    found = statuses(Gateway(gateway), job)
    if as_json:
        for one in found:
            print_json({"job": one.job, "name": one.name, "status": one.status, "started": one.started})
        return
    print_table(("job", "status", "started", "name"), ([one.job, one.status, one.started, one.name] for one in found))


@app.command("cancel")
def cancel(
    job: Job,
    gateway: GatewayAddress,
    data_dir: DataDir = DATA_DIR,  # noqa: ARG001 - every command understands it
    as_json: AsJson = False,
) -> None:
    """End a job at once; its state is lost."""
    from footfall.sql.flink.gateway import Gateway
    from footfall.sql.flink.jobs import cancel as end

    end(Gateway(gateway), job)
    if as_json:
        print_json({"job": job, "cancelled": True})
    else:
        note(f"Job {job} is cancelled.")


@app.command("stop")
def stop(
    job: Job,
    gateway: GatewayAddress,
    savepoint: Annotated[
        str | None,
        typer.Option("--savepoint", metavar="DIR", help="Keep its state here. [default: as the cluster is set]"),
    ] = None,
    data_dir: DataDir = DATA_DIR,  # noqa: ARG001 - every command understands it
    as_json: AsJson = False,
) -> None:
    """Stop a job with a savepoint; print where it is, for `submit --from-savepoint`."""
    from footfall.sql.flink.gateway import Gateway
    from footfall.sql.flink.jobs import stop as end

    place = end(Gateway(gateway), job, folder=savepoint)
    if as_json:
        print_json({"job": job, "savepoint": place})
    else:
        print_lines([place])


def read(file: Path) -> str:
    """The file's text."""
    try:
        return existing_file(file).read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise UsageError(f"File {file} is not UTF-8 at byte {error.start}.", remedy="Save it as UTF-8.") from error


def parse_streams(pairs: list[str] | tuple[()]) -> dict[str, str]:
    """``["Users=user"]`` as ``{"Users": "user"}``."""
    found: dict[str, str] = {}
    for pair in pairs:
        table, sign, name = pair.partition("=")
        if not (sign and table and name):
            raise UsageError(
                f"--stream {pair}: this is not TABLE=STREAM.", remedy="Write, for example, --stream Users=user."
            )
        found[table] = name
    return found
