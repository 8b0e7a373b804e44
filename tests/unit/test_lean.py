"""Who needs pandas, and who does without."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.observing import environment

SCRIPT = """
import json, sys
from footfall.apps.lean import leave_out_pandas
leave_out_pandas(sys.argv[1:])
import datetime
import pyarrow as pa
array = pa.array([datetime.datetime(2026, 1, 1), None], type=pa.timestamp("ms"))
table = pa.Table.from_pylist([{"a": 1.5, "b": ["x"]}])
print(json.dumps(["pandas" in sys.modules, str(array[0]), table.to_pylist()]))
"""


@pytest.mark.parametrize(
    ("arguments", "loads"),
    [
        (["run", "enrichment"], False),
        (["serve"], False),
        (["dashboard"], True),
        (["run", "mine.py"], True),
    ],
)
def test_only_the_dashboard_and_a_file_of_the_users_pay_for_pandas(arguments: list[str], loads: bool) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, *arguments], capture_output=True, text=True, check=True, env=environment()
    )

    assert json.loads(done.stdout) == [loads, "2026-01-01 00:00:00", [{"a": 1.5, "b": ["x"]}]]
