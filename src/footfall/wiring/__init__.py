"""Turns a data directory and a pipeline into running parts: the only package that names backends."""

from footfall.wiring.backends import (
    addresses,
    open_existing_log,
    open_log,
    open_store,
    open_tables,
    ownership,
    rabbitmq_settings,
    trouble,
    warehouse,
)
from footfall.wiring.chains import pattern_file, patterns_in_use, run, stages, users_tasks
from footfall.wiring.declared import run_declared
from footfall.wiring.draining import rabbitmq_sink, sink
from footfall.wiring.filling import backfill, failed_events, load, rebuild, replay, replay_failed, verify
from footfall.wiring.generating import generate_sample
from footfall.wiring.queries import explain_sql, fingerprint_of, plan_sql, query_files, standing_query

__all__ = [
    "addresses",
    "backfill",
    "explain_sql",
    "failed_events",
    "fingerprint_of",
    "generate_sample",
    "load",
    "open_existing_log",
    "open_log",
    "open_store",
    "open_tables",
    "ownership",
    "pattern_file",
    "patterns_in_use",
    "plan_sql",
    "query_files",
    "rabbitmq_settings",
    "rabbitmq_sink",
    "rebuild",
    "replay",
    "replay_failed",
    "run",
    "run_declared",
    "sink",
    "stages",
    "standing_query",
    "trouble",
    "users_tasks",
    "verify",
    "warehouse",
]
