"""The example does what it says, over generated clicks."""

from collections import defaultdict
from pathlib import Path

from examples.running import events, footfall, with_clicks

POPULAR = Path(__file__).with_name("popular.py")
MINUTE = 60_000
LATENESS = 10 * MINUTE


def test_the_three_most_visited_categories_of_each_minute_are_put_out_once(tmp_path: Path) -> None:
    data_dir = with_clicks(tmp_path, events=3_000)
    clicks = [e for e in events("enriched-click-data", data_dir=data_dir) if not e.get("late")]

    for _ in range(2):  # the second run finds nothing to do
        footfall("run", POPULAR, "--until-end", data_dir=data_dir)

    watermark = max(e["timestamp"] for e in clicks) - LATENESS
    minutes: dict[int, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for e in clicks:
        minutes[e["timestamp"] // MINUTE * MINUTE][e["category"]].append(e["userId"])
    expected = []
    for start in sorted(minute for minute in minutes if minute + MINUTE <= watermark):
        ranked = sorted(minutes[start].items(), key=lambda item: (-len(item[1]), item[0]))[:3]
        expected += [(start, category, len(users), len(set(users))) for category, users in ranked]

    found = events("popular-categories", data_dir=data_dir)
    assert len(expected) > 500
    assert [(e["window_start"], e["category"], e["visits"], e["visitors"]) for e in found] == expected
    assert len({e["event_id"] for e in found}) == len(found)
