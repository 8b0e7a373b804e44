"""The whole suite's closing line says what its parts said."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

from tests.suite import closing_line, counted

TESTS = """
import pytest

def test_right(): pass
def test_right_too(): pass
def test_wrong(): assert False
def test_left_out(): pytest.skip("not here")

@pytest.fixture
def broken(): raise OSError

def test_without_its_fixture(broken): pass
"""


def test_passed_failed_and_skipped_are_counted(tmp_path: Path) -> None:
    (tmp_path / "test_few.py").write_text(TESTS)
    report = tmp_path / "report.xml"
    command = [sys.executable, "-m", "pytest", "-c", "/dev/null", "--rootdir", str(tmp_path), str(tmp_path)]
    subprocess.run([*command, f"--junitxml={report}"], cwd=tmp_path, capture_output=True, check=False)

    counts = counted(report.read_text())

    assert closing_line(counts + counts) == "4 passed, 4 failed, 2 skipped"
    assert closing_line(Counter()) == "0 passed, 0 failed, 0 skipped"
