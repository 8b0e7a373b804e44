"""The collector keeps to its own description, whatever is sent that the description allows or forbids."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import APIOperation, Case, GenerationMode
from schemathesis.checks import load_all_checks, not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.integration.collecting import ADA, HOST, Site, site
from tests.rounds import rounds

EXAMPLES = rounds(250, thorough=1_260)
"""Of each operation and each kind: allowed by the description, and forbidden."""
LEAST = rounds(1_000, thorough=5_000)
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
IN_ORDER = settings(
    max_examples=EXAMPLES,
    derandomize=True,  # the same cases in each run
    database=None,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with site(tmp_path_factory.mktemp("schema")) as running:
        yield running


def asked(operation: APIOperation[Any, Any, Any, Any], mode: GenerationMode, session: requests.Session) -> Counter[int]:
    """Generated requests, each with an answer as described; how often each status was answered."""
    statuses: Counter[int] = Counter()

    @IN_ORDER
    @given(operation.as_strategy(generation_mode=mode))
    def is_as_described(case: Case[Any]) -> None:
        response = case.call(session=session, timeout=30)
        case.validate_response(response, checks=CHECKS)
        statuses[response.status_code] += 1

    is_as_described()
    return statuses


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_generated_requests_are_answered_as_described(here: Site, capsys: pytest.CaptureFixture[str]) -> None:
    load_all_checks()
    total: Counter[str] = Counter()
    described = schemathesis.openapi.from_url(f"http://{HOST}:{here.port}/openapi.json", config=schemathesis.Config())
    with requests.Session() as session, capsys.disabled():
        for found in described.get_all_operations():
            assert isinstance(found, Ok)
            operation = found.ok()
            for mode in GenerationMode if operation.body or operation.query else [GenerationMode.POSITIVE]:
                statuses = asked(operation, mode, session)
                total[mode.name] += statuses.total()
                print(f"\n{operation.label}, {mode.name.lower()}: {dict(sorted(statuses.items()))}", end="")
        print(f"\n{total.total()} cases")
    assert total.total() >= LEAST
    assert len(total) == len(GenerationMode)
    assert here.send(ADA).status == 200
