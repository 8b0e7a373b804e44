"""Our engine gives the rows that Flink gives, for each golden query, but for defects of Flink: see README.md here."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest

from footfall.sql.batch import run_over_files
from footfall.sql.plan import Insert, Script
from footfall.sql.planning import plan_script
from footfall.sql.rendering import OP
from footfall.sql.standing import tables_of
from tests.golden.sql.by_hand import BY_HAND, made
from tests.golden.sql.cases import Case, all_cases, folded, lines
from tests.golden.sql.table import PAGE, page

CASES = all_cases()
DIFFERENT = [case for case in CASES if case.differs]
KINDS = {"+I": "INSERT", "-U": "UPDATE_BEFORE", "+U": "UPDATE_AFTER", "-D": "DELETE"}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_golden_query_gives_the_rows_of_flink(case: Case) -> None:
    script = plan_script((case.folder / "query.sql").read_text())
    for target in case.outputs:
        rows = [row for insert in _into(script, target) for row in _rows(case, script, insert)]
        only_inserts = all(OP not in row for row in rows)
        assert only_inserts or case.changes == "updates", "rows are changed that Flink never changes"
        left = folded((KINDS[row.pop(OP, "+I")], row) for row in rows)
        assert lines(left) == lines(case.right(target))


@pytest.mark.parametrize("case", DIFFERENT, ids=lambda case: case.name)
def test_where_ours_differs_it_is_what_a_plain_fold_gives(case: Case) -> None:
    assert case.file_of_ours.read_text() == made(case), "run python -m tests.golden.sql.by_hand"
    assert lines(case.expected()) != lines(case.right()), "Flink is mended: take the line `differs` out of the query"
    assert len(case.outputs) == 1


def test_only_cases_that_say_so_have_rows_of_their_own() -> None:
    assert {case.name for case in DIFFERENT} == set(BY_HAND)
    assert [case.name for case in CASES if case.file_of_ours.exists()] == [case.name for case in DIFFERENT]


def _into(script: Script, target: str | None) -> list[Insert]:
    if target is None:
        return [script.inserts[-1]]
    return [insert for insert in script.inserts if insert.target is not None and insert.target.name == target]


def _rows(case: Case, script: Script, insert: Insert) -> Sequence[dict[str, Any]]:
    rejected: list[str] = []
    inputs = {name: path for name, path in case.inputs.items() if name in tables_of(insert)}
    found = run_over_files(
        script, inputs, until_end=True, reject=rejected.append, now=lambda: 1_772_359_200_000, insert=insert
    )
    rows = [row for some in found for row in some]
    assert not rejected
    as_json: list[dict[str, Any]] = json.loads(json.dumps(rows))
    return as_json


def test_the_documented_table_is_that_of_the_cases() -> None:
    assert PAGE.read_text() == page(), "run python -m tests.golden.sql.table"
