"""The example does what it says, over generated clicks."""

from datetime import UTC, datetime
from pathlib import Path

from examples.running import events, footfall, with_clicks

PEOPLE = Path(__file__).with_name("people.py")


def test_the_clicks_of_people_come_out_once_with_their_hour(tmp_path: Path) -> None:
    data_dir = with_clicks(tmp_path, events=1_500)
    clicks = events("enriched-click-data", data_dir=data_dir)

    for _ in range(2):  # the second run finds nothing to do
        footfall("run", PEOPLE, "--until-end", data_dir=data_dir)

    expected = {
        e["event_id"]: (e["userId"], e["category"], datetime.fromtimestamp(e["timestamp"] / 1_000, tz=UTC).hour)
        for e in clicks
        if not e["is_bot"]
    }
    found = events("people-clicks", data_dir=data_dir)
    assert 0 < len(expected) < len(clicks)
    assert len(found) == len(expected)
    assert {e["event_id"]: (e["userId"], e["category"], e["hour"]) for e in found} == expected
