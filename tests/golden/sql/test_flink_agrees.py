"""The golden files are Flink's: a real one makes them again, and nothing is different."""

from __future__ import annotations

import json

import pytest

from footfall.sql.flink.gateway import Gateway
from tests.golden.sql.cases import Case, all_cases
from tests.golden.sql.make import make
from tests.servers.flink import Flink

CASES = all_cases()


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_flink_makes_the_same_rows_again(case: Case, flink: Flink) -> None:
    made = make(case, Gateway(flink.gateway))

    assert made.rows == {target: case.expected_file(target).read_text().splitlines() for target in case.outputs}
    if made.types:
        assert list(made.types.items()) == list(json.loads((case.folder / "types.json").read_text()).items())


def test_a_case_has_inputs_and_expected_rows() -> None:
    for case in CASES:
        assert case.inputs, case.name
        assert all(case.expected_file(target).exists() for target in case.outputs), case.name
