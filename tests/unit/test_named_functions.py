"""A function is found by its name: built in, in a module, in a file."""

from __future__ import annotations

from pathlib import Path

import pytest

from footfall.core.errors import UsageError
from footfall.engine.named_functions import function_named, upper_case


def test_upper_case_changes_texts_and_nothing_else() -> None:
    event = {"timestamp": 5, "event_id": "ab", "name": "Ulla", "page": 3, "action": None, "read": True}

    assert upper_case(event) == {"timestamp": 5, "name": "ULLA", "page": 3, "action": None, "read": True}


def test_functions_are_found_by_their_names(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("def shout(event):\n    return {'loud': True}\n")

    assert function_named("upper_case", directory=tmp_path) is upper_case
    assert function_named("json.dumps", directory=tmp_path)({"a": 1}) == '{"a": 1}'
    assert function_named("mine.py:shout", directory=tmp_path)({}) == {"loud": True}


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("lower_case", "There is no function lower_case"),
        ("json.shout", "There is no function shout in json"),
        ("no_such_module.shout", "there is no module no_such_module"),
        ("none.py:shout", "There is no file .*none.py"),
        ("mine.py:whisper", "There is no function whisper in .*mine.py"),
        ("broken.py:shout", "broken.py:shout: ZeroDivisionError: division by zero"),
    ],
)
def test_a_function_that_is_not_there_is_refused_by_name(tmp_path: Path, name: str, message: str) -> None:
    (tmp_path / "mine.py").write_text("def shout(event):\n    return event\n")
    (tmp_path / "broken.py").write_text("1 / 0\n")

    with pytest.raises(UsageError, match=message) as caught:
        function_named(name, directory=tmp_path)
    assert caught.value.remedy
