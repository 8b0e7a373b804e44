"""The lab's change: the same detector, another file."""

from pathlib import Path

from footfall.processors.base import Codebook, Frame
from footfall.processors.behaviour import Behaviour
from footfall.processors.patterns import PatternFile, builtin_patterns
from tests.unit.frames import frame

LAB = Path(__file__).with_name("lab.yaml")
MINUTE = 60_000
WALK = [("VD1", "shoes"), ("VD2", "clothing"), ("VD3", "shoes")]


def walk(start: int, book: Codebook, **visitor: object) -> Frame:
    """A frame of one visitor who looks at shoes, clothes and other shoes, a minute apart."""
    clicks = [
        {"timestamp": start + i * MINUTE, "productId": product, "category": category, **visitor}
        for i, (product, category) in enumerate(WALK)
    ]
    return frame(clicks, book)


def test_the_next_matching_visitor_gets_the_offer_after_the_file_was_changed(tmp_path: Path) -> None:
    file = tmp_path / "offers.yaml"
    file.write_text(LAB.read_text().replace("60, 65", "20, 21"))
    watched = PatternFile(file)
    book = Codebook()
    detector = Behaviour(builtin_patterns()).start(book=book, state={})
    detector.use(watched.current)
    assert detector.process(walk(0, book, userId="ada", age=62, gender="F")) == []

    file.write_text(LAB.read_text())
    assert watched.poll()
    detector.use(watched.current)

    [output] = detector.process(walk(10 * MINUTE, book, userId="bob", age=60, gender="M"))
    assert output.batch.column("offer").to_pylist() == ["offer1"]
    [output] = detector.process(walk(20 * MINUTE, book, userId="cyd", age=65, gender="F"))
    assert output.batch.column("offer").to_pylist() == ["offer2"]
