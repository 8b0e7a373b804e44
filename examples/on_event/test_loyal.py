"""The example does what it says, over generated clicks."""

from collections import Counter
from pathlib import Path

from examples.running import events, footfall, with_clicks

LOYAL = Path(__file__).with_name("loyal.py")


def test_every_tenth_click_of_a_visitor_is_put_out_once(tmp_path: Path) -> None:
    data_dir = with_clicks(tmp_path, events=1_500)
    clicks = Counter(e["userId"] for e in events("enriched-click-data", data_dir=data_dir) if not e["is_bot"])

    for _ in range(2):  # the second run finds nothing to do
        footfall("run", LOYAL, "--until-end", data_dir=data_dir)

    expected = sorted((user, n) for user, count in clicks.items() for n in range(10, count + 1, 10))
    assert len(expected) > 20
    assert sorted((e["userId"], e["clicks"]) for e in events("loyal-visitors", data_dir=data_dir)) == expected
