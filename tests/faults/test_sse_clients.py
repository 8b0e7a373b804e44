"""Of two thousand readers of offers some never read: each offer comes in time, to its visitor, at a bounded cost.

Each kind of bug that this test is there to find has a test that plants it and sees it found.
"""

from __future__ import annotations

from dataclasses import asdict

import pytest

from benchmarks.offers_sse import Figures, measure
from tests.faults.buggy_offers import BUGS

CLIENTS = 2_000
FEW = 100
SECOND = 1_000.0
"""In ms: so soon an offer is with its visitor."""
MOST_MB = 400.0
GROWTH_MB = 24.0
"""Between the first and the last time that everybody came back."""


def wrong(found: Figures) -> list[str]:
    """Everything that is not as promised."""
    promises = {
        "an offer did not come": found.missing == 0,
        "an offer came to somebody else": found.misdirected == 0,
        "a reader who reads was cut": found.lost == 0,
        "an offer came late": found.max_ms <= SECOND,
        "a reader who does not read was not cut": found.uncut == 0,
        "streams are left of those who have gone": found.left == 0,
        "connections are left of those who have gone": found.files_left == 0,
        "memory is not bounded": max(found.flooded_mb, *found.storms_mb) < MOST_MB,
        "memory grows with each return": found.storms_mb[-1] - found.storms_mb[0] < GROWTH_MB,
        "the server stops too late": found.stop_seconds <= 2,
    }
    return [promise for promise, kept in promises.items() if not kept]


@pytest.mark.alone
@pytest.mark.slow
def test_two_thousand_readers_get_their_offers_within_a_second(capsys: pytest.CaptureFixture[str]) -> None:
    found = measure(clients=CLIENTS, offers=1_000)
    with capsys.disabled():
        print(
            f"\n{found.clients:,} readers, {found.stalled} of them stalled; {found.offers:,} offers: "
            f"p50 {found.p50_ms} ms, p99 {found.p99_ms} ms, at most {found.max_ms} ms; server {found.idle_mb} MB idle, "
            f"{found.connected_mb} with all, {found.flooded_mb} after, {found.storms_mb} after each return of all"
        )
    assert wrong(found) == [], asdict(found)


@pytest.mark.slow
@pytest.mark.parametrize("bug", BUGS)
def test_each_planted_bug_is_found(bug: str) -> None:
    found = measure(clients=FEW, offers=100, storms=1, module=("tests.faults.buggy_offers", bug), patience=3)
    assert BUGS[bug][1] in wrong(found), asdict(found)
