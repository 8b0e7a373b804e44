"""Turns the command modules into one application: the list of all commands, in the order of the help."""

from __future__ import annotations

from typing import Annotated

import typer

from footfall.apps.cli import (
    apply,
    backfill,
    dashboard,
    doctor,
    export,
    failed,
    flink,
    generate,
    health,
    load,
    query,
    rebuild,
    replay,
    run,
    serve,
    sink,
    sql,
    status,
    tail,
    topics,
    up,
    verify,
)

app = typer.Typer(
    name="footfall",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


def show_version(wanted: bool) -> None:
    """Print the version and end."""
    if wanted:
        from importlib import metadata

        typer.echo(metadata.version("footfall"))
        raise typer.Exit


@app.callback()
def footfall(
    version: Annotated[
        bool, typer.Option("--version", callback=show_version, is_eager=True, help="Print the version and end.")
    ] = False,
) -> None:
    """Real-time clickstream analytics: clicks in, live views, sessions and offers out."""


app.command("up")(up.up)
app.command("replay")(replay.replay)
app.command("backfill")(backfill.backfill)
app.command("load")(load.load)
app.command("rebuild")(rebuild.rebuild)
app.command("generate")(generate.generate)
app.command("run")(run.run)
app.command("serve")(serve.serve)
app.command("apply")(apply.apply)
app.command("sink")(sink.sink)
app.command("dashboard")(dashboard.dashboard)
app.command("topics")(topics.topics)
app.command("tail")(tail.tail)
app.command("sql")(sql.sql)
app.command("query")(query.query)
app.add_typer(failed.app, name="failed")
app.add_typer(flink.app, name="flink")
app.add_typer(export.app, name="export")
app.command("status")(status.status)
app.command("health")(health.health)
app.command("doctor")(doctor.doctor)
app.command("verify")(verify.verify)
