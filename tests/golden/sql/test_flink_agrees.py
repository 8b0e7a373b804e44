"""The golden files are Flink's: a real one makes them again, and nothing is different."""

from __future__ import annotations

import json

import pytest

from footfall.sql.flink.gateway import Gateway
from tests.golden.sql.cases import FEATURES, Case, all_cases
from tests.golden.sql.make import make_all
from tests.servers.flink import Flink

CASES = all_cases()


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_flink_makes_the_same_rows_again(flink: Flink) -> None:
    different = {}
    for case, made in make_all(CASES, Gateway(flink.gateway)):
        if isinstance(made, Exception):
            different[case.name] = str(made)
            continue
        kept = {target: case.expected_file(target).read_text().splitlines() for target in case.outputs}
        if made.rows != kept:
            different[case.name] = f"{made.rows} instead of {kept}"
        if made.types and json.dumps(made.types) != json.dumps(case.types):
            different[case.name] = f"{made.types} instead of {case.types}"

    assert different == {}


def test_every_feature_has_a_case() -> None:
    proven = {feature for case in CASES for feature in case.features}

    assert proven == set(FEATURES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_case_is_complete(case: Case) -> None:
    assert case.inputs
    assert all(case.expected_file(target).exists() for target in case.outputs)
