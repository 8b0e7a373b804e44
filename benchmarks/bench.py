"""Turns generated clickstreams into the figures that Footfall promises: `make bench`.

    python -m benchmarks.bench            one million and ten million events, baseline, latency
    python -m benchmarks.bench --quick    a smoke test of the same, in seconds
    python -m benchmarks.bench --json     one JSON object on standard output

What is measured, and how to read it: README.md beside this file.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.data import Data, as_ndjson, dataset
from benchmarks.latency import Latency, measure_latency
from benchmarks.measure import ROOT, Run, footfall, measured

FIGURES = ("accepted", "duplicates", "late", "visitors", "sessions", "offers")
"""In these, the pipeline and the baseline must agree: else they did not do the same work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to measure."""

    events: int = 1_000_000
    many_events: int = 10_000_000
    repeats: int = 3
    live_seconds: float = 20.0
    live_rate: int = 1_000


QUICK = Plan(events=20_000, many_events=60_000, repeats=1, live_seconds=3.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Backfill:
    """The median of several backfills of one file."""

    events: int
    events_per_second: float
    """As the command says: from the first byte read to the last view written, without the start of Python."""
    seconds: float
    whole_seconds: float
    """From the start of the process to its end."""
    cpu_seconds: float
    peak_mb: float
    """The highest sum of the resident memory of its processes, sampled; shared pages count for each."""
    stages: dict[str, float]
    """Seconds by stage, summed over the processes that work at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Everything that was measured."""

    cpus: int
    million: Backfill
    baseline_events_per_second: float
    ratio: float
    ten_million: Backfill | None
    memory_ratio: float | None
    latency: Latency | None


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="small files and one repeat: does it run at all?")
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    parser.add_argument("--events", type=int, help="events of the smaller file (1,000,000)")
    parser.add_argument("--no-large", action="store_true", help="leave the larger file out")
    parser.add_argument("--no-latency", action="store_true", help="leave the live measurement out")
    chosen = parser.parse_args()
    plan = QUICK if chosen.quick else Plan()
    if chosen.events:
        plan = Plan(events=chosen.events, many_events=10 * chosen.events, repeats=plan.repeats)
    report = run(plan, large=not chosen.no_large, live=not chosen.no_latency)
    print(json.dumps(asdict(report)) if chosen.json else described(report))


def run(plan: Plan, *, large: bool = True, live: bool = True) -> Report:
    """All measurements, the pipeline and the baseline by turns."""
    data = dataset(plan.events)
    lines = as_ndjson(data)
    ours, baseline = [], []
    for repeat in range(plan.repeats):
        say(f"round {repeat + 1} of {plan.repeats}: backfill and baseline of {plan.events:,} events …")
        ours.append(backfill(data))
        baseline.append(measured([sys.executable, "-m", "benchmarks.baseline", str(lines), *data.lookups]))
        check_same(ours[-1], baseline[-1])
    million = summary(data, ours)
    plain = statistics.median(one.output["events_per_second"] for one in baseline)
    many = None
    if large:
        say(f"backfill of {plan.many_events:,} events …")
        larger = dataset(plan.many_events)
        many = summary(larger, [backfill(larger)])
    say("live latency …" if live else "no live latency")
    return Report(
        cpus=len(os.sched_getaffinity(0)),
        million=million,
        baseline_events_per_second=plain,
        ratio=round(million.events_per_second / plain, 2),
        ten_million=many,
        memory_ratio=round(many.peak_mb / million.peak_mb, 2) if many else None,
        latency=measure_latency(rate=plan.live_rate, seconds=plan.live_seconds) if live else None,
    )


def backfill(data: Data) -> Run:
    """One backfill into an empty data directory."""
    directory = Path(tempfile.mkdtemp(prefix="footfall-bench-"))
    try:
        return measured(footfall("backfill", data.clicks, *data.lookups, "--data-dir", directory, "--json"))
    finally:
        shutil.rmtree(directory)


def check_same(ours: Run, baseline: Run) -> None:
    """Fail when the two did not come to the same results."""
    differ = [n for n in FIGURES if ours.output[n] != baseline.output[n]]
    for name in differ:
        say(f"{name}: {ours.output[name]} in the pipeline, {baseline.output[name]} in the baseline")
    assert not differ, "the baseline did not do the same work"


def summary(data: Data, runs: list[Run]) -> Backfill:
    """The medians of these runs."""

    def median(values: list[float]) -> float:
        return round(statistics.median(values), 3)

    names = list(runs[0].output.get("stages", {}))
    return Backfill(
        events=data.events,
        events_per_second=median([one.output["events_per_second"] for one in runs]),
        seconds=median([one.output["seconds"] for one in runs]),
        whole_seconds=median([one.seconds for one in runs]),
        cpu_seconds=median([one.cpu_seconds for one in runs]),
        peak_mb=median([max(one.peak_mb, one.output.get("peak_rss_mb", 0.0)) for one in runs]),
        stages={name: median([one.output["stages"][name] for one in runs]) for name in names},
    )


def described(report: Report) -> str:
    """The report as a table for people."""
    columns = [b for b in (report.million, report.ten_million) if b is not None]
    rows: list[tuple[str, list[Any]]] = [
        ("events", [f"{b.events:,}" for b in columns]),
        ("events/s, whole pipeline", [f"{b.events_per_second:,.0f}" for b in columns]),
        ("seconds", [f"{b.seconds:.2f}" for b in columns]),
        ("  with the start of the process", [f"{b.whole_seconds:.2f}" for b in columns]),
        ("seconds of CPU", [f"{b.cpu_seconds:.2f}" for b in columns]),
        ("peak memory, MB", [f"{b.peak_mb:.0f}" for b in columns]),
        *((f"stage {name}, s", [f"{b.stages.get(name, 0.0):.2f}" for b in columns]) for name in report.million.stages),
    ]
    lines = [f"{name:<34}" + "".join(f"{value:>16}" for value in values) for name, values in rows]
    lines.append("")
    lines.append(f"CPUs: {report.cpus}")
    lines.append(f"plain Python loop, no durability: {report.baseline_events_per_second:,.0f} events/s")
    lines.append(f"ours is {report.ratio:.1f} times as fast (promised: 2)")
    if report.memory_ratio is not None:
        lines.append(f"memory, larger file to smaller: {report.memory_ratio:.2f} (promised: at most 1.5)")
    if report.latency is not None:
        live = report.latency
        lines.append(
            f"click to offer at {live.rate:,} events/s, {live.offers} offers: p50 {live.p50_ms:.0f} ms, "
            f"p99 {live.p99_ms:.0f} ms, most {live.max_ms:.0f} ms (promised: p99 below 200)"
        )
    return "\n".join(lines)


def say(text: str) -> None:
    """Progress, for people."""
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT / "src"))
    main()
