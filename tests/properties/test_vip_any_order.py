"""The example's VIP query gives what a plain fold gives, whatever users and clicks there are, however they come."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.observing import ROOT
from tests.properties.relational_rows import Plain
from tests.properties.sql_flows import Flow, Lane, at_once, cut, planned, run

QUERY: Final = """INSERT INTO VipActions
SELECT Users.user_id, Users.name, Clicks.page, Clicks.action, Clicks.event_time
FROM Clicks INNER JOIN Users ON Clicks.user_id = Users.user_id
WHERE Users.level = 'PLATINUM'"""
"""Word for word as it is specified."""
EXAMPLE: Final = (ROOT / "src/footfall/examples/vip/vip.sql").read_text()
IDS: Final = st.sampled_from(["407-41-3862", "804-31-3496", "000-00-0000", "", None])
USER: Final = st.tuples(
    IDS, st.sampled_from(["Olympia Koss", "Ada", None]), st.sampled_from(["BRONZE", "PLATINUM", "platinum", None])
)
CLICK: Final = st.tuples(
    IDS,
    st.one_of(st.none(), st.integers(1, 100_000)),
    st.sampled_from(["checkout", "cart", None]),
    st.sampled_from(["mobile", "tablet"]),
    st.just("Mozilla/5.0"),
    st.integers(0, 600).map(lambda seconds: datetime(2026, 3, 1, 10, tzinfo=UTC) + timedelta(seconds=seconds)),
)


def folded(users: Sequence[Plain], clicks: Sequence[Plain]) -> Counter[Plain]:
    """Each click with each row of its user that says PLATINUM; NULL is nobody's id."""
    rows: Counter[Plain] = Counter()
    for user_id, page, action, _, _, at in clicks:
        for known, name, level in users:
            if user_id is not None and known == user_id and level == "PLATINUM":
                rows[user_id, name, page, action, at] += 1
    return rows


def test_the_example_has_the_query_word_for_word() -> None:
    assert QUERY in EXAMPLE


@given(users=st.lists(USER, max_size=12), clicks=st.lists(CLICK, max_size=20), data=st.data())
@settings(max_examples=150, deadline=None)
def test_the_vip_query_equals_a_plain_fold(users: list[Plain], clicks: list[Plain], data: Any) -> None:
    lanes: Mapping[Lane, Sequence[Plain]] = {("Users", 0): users, ("Clicks", 0): clicks}

    cuts = data.draw(st.one_of(st.just(at_once(lanes)), cut(lanes)))

    assert run(Flow(planned(EXAMPLE)), cuts) == folded(users, clicks)


@given(users=st.lists(USER, max_size=8), clicks=st.lists(CLICK, max_size=8))
@settings(max_examples=50, deadline=None)
def test_users_may_come_after_their_clicks(users: list[Plain], clicks: list[Plain]) -> None:
    flow = Flow(planned(EXAMPLE))

    made = run(flow, [*at_once({("Clicks", 0): clicks}), *at_once({("Users", 0): users})], ended=False)

    assert made == folded(users, clicks)
