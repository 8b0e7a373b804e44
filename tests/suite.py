"""Turns the whole suite into three runs of pytest, and their figures into one line.

First all that may run beside one another; then what waits for servers' time-outs, two at a time; then, one by one,
what asserts a time or loads the machine.
A few tests that failed run once more, with nothing beside them: on a machine that others use, too, a promised second
may be over before it was this test's turn. They stand in the output either way; what fails again has failed.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

TESTS: Final = Path(__file__).parent
WORKERS: Final = "3"
"""For two cores: much of what a test does is waiting."""
BESIDE: Final = ("-m", "not alone and not waits", "-n", WORKERS, "--dist", "loadfile", "--no-loadscope-reorder")
"""A file stays together, for it shares what is dear to start, and so does all that needs a browser (see conftest.py).
In their order, which has the long ones first.
"""
WAITING: Final = ("-m", "waits", "-n", "2", "--dist", "worksteal")
"""Beside the first part, the servers would be too slow for the time-outs that these tests give them."""
ALONE: Final = ("-m", "alone")
SLOWEST: Final = ("--durations=40", "--durations-min=5")
AGAIN: Final = ("--last-failed", "--last-failed-no-failures", "none")
FEW: Final = 8
"""More failures than this are no matter of time."""


def parts() -> Iterator[Sequence[str]]:
    """What pytest is told, one run after the other. The later ones collect only the files that have such tests."""
    yield BESIDE
    yield *WAITING, *marked("waits")
    yield *ALONE, *marked("alone")


def marked(mark: str) -> list[str]:
    """The files in which this mark is set."""
    return sorted(str(file) for file in TESTS.rglob("test_*.py") if f"pytest.mark.{mark}" in file.read_text())


def main() -> int:
    """Run all parts, also when one fails; 0 when all is well."""
    counts: Counter[str] = Counter()
    codes = []
    for part in parts():
        code, found = run(part)
        codes.append(code)
        counts += found
        if code == 2 or not found["passed"] + found["skipped"]:  # Ctrl-C, or something is wrong with all of them
            break
    if set(codes) <= {0, 1} and 0 < counts["failed"] <= FEW:
        counts, codes = after_another_try(counts)
    print(closing_line(counts))
    return int(any(codes))


def after_another_try(counts: Counter[str]) -> tuple[Counter[str], list[int]]:
    """The figures and exit codes once the failed tests have run by themselves."""
    print(f"\nOnce more, by themselves: {counts['failed']} that failed.", flush=True)
    code, found = run(AGAIN)
    passed = min(found["passed"], counts["failed"])
    return counts + Counter(passed=passed) - Counter(failed=passed), [code]


def run(part: Sequence[str]) -> tuple[int, Counter[str]]:
    """The exit code of one run, and how many tests came to which end."""
    with tempfile.TemporaryDirectory(prefix="footfall-suite-") as directory:
        report = Path(directory) / "report.xml"
        process = subprocess.Popen([sys.executable, "-m", "pytest", *part, *SLOWEST, f"--junitxml={report}"])
        while process.poll() is None:
            with contextlib.suppress(KeyboardInterrupt):  # pytest has heard it too, and tidies up
                process.wait()
        return process.returncode, counted(report.read_text()) if report.is_file() else Counter()


def counted(report: str) -> Counter[str]:
    """The figures of a report in JUnit's format."""
    counts: Counter[str] = Counter()
    for suite in ET.fromstring(report).iter("testsuite"):  # noqa: S314 - written by pytest
        tests, *others = (int(suite.attrib[name]) for name in ("tests", "failures", "errors", "skipped"))
        failures, errors, skipped = others
        counts += Counter(passed=tests - sum(others), failed=failures + errors, skipped=skipped)
    return counts


def closing_line(counts: Counter[str]) -> str:
    """What is read last."""
    return ", ".join(f"{counts[name]} {name}" for name in ("passed", "failed", "skipped"))


if __name__ == "__main__":
    sys.exit(main())
