"""The dashboard's pages, run as Streamlit runs them: full, empty, damaged, and with hostile texts in every field."""

from __future__ import annotations

import html
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Element

from footfall import wiring
from footfall.apps.dashboard import visits
from footfall.apps.dashboard.days import NONE
from footfall.apps.dashboard.options import DATA_DIR
from footfall.apps.dashboard.server import PAGES
from footfall.apps.dashboard.sources import reader_of
from footfall.core.clock import SystemClock
from tests.unit.dashboards import nobody, put, views

HOSTILE = "<img src=x onerror=alert(1)> **bold** [link](javascript:alert(1)) :material/home: $x$ {{7*7}} :red[a] `c`"
TITLES = (
    "Visitors in the last 15 minutes",
    "Sessions in the last 8 hours",
    "Visiting right now",
    "Category popularity in the last hour",
    "Top ten viewed pages in the last hour",
    "Latest visitors",
    "State machine log",
    "Raw data",
)
MARKDOWN = ("markdown", "title", "subheader", "header", "caption", "info", "warning", "error", "success")


@pytest.fixture(autouse=True)
def _main_stays_main(monkeypatch: pytest.MonkeyPatch) -> None:
    """Streamlit puts its script in the place of the main module, which processes of later tests begin with."""
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])


@pytest.fixture
def show(tmp_path: Path) -> Callable[..., AppTest]:
    """Runs a page on a data directory."""

    def run(*, data_dir: Path = tmp_path) -> AppTest:
        app = AppTest.from_file(PAGES, default_timeout=30)
        app.secrets[DATA_DIR] = str(data_dir)
        return app.run()

    return run


@pytest.fixture
def show_visits(tmp_path: Path) -> Callable[[], AppTest]:
    """Runs the second page."""

    def page() -> None:
        from footfall.apps.dashboard import visits

        visits.page()

    def run() -> AppTest:
        app = AppTest.from_function(page, default_timeout=30)
        app.secrets[DATA_DIR] = str(tmp_path)
        return app.run()

    return run


def now() -> int:
    return SystemClock().now_ms()


def texts(app: AppTest, *kinds: str) -> list[str]:
    """What elements of these kinds say."""
    return [str(element.value) for kind in kinds for element in app.get(kind) if isinstance(element, Element)]


def metrics(app: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in app.metric}


def test_there_are_eight_panels(show: Callable[..., AppTest], tmp_path: Path) -> None:
    put(tmp_path)
    app = show()

    assert not app.exception
    assert tuple(texts(app, "subheader")) == TITLES
    assert len(app.get("vega_lite_chart")) == 4
    assert [len(frame.value) for frame in app.dataframe] == [1, 1, 20]
    assert metrics(app) == {"Visitors": "5"}


def test_a_panel_keeps_its_place_when_there_is_nothing_in_it(show: Callable[..., AppTest], tmp_path: Path) -> None:
    put(tmp_path, nobody())
    app = show()

    assert not app.exception
    assert tuple(texts(app, "subheader")) == TITLES
    assert not app.get("vega_lite_chart")
    assert not app.dataframe
    assert len(texts(app, "caption")) == len(TITLES) - 1  # the log says it in its own place


def test_an_empty_directory_says_how_to_fill_it(show: Callable[..., AppTest]) -> None:
    (line,) = texts(show(), "text")

    assert "footfall up" in line
    assert "footfall replay FILE" in line


def test_a_missing_directory_is_said_and_not_made(show: Callable[..., AppTest], tmp_path: Path) -> None:
    missing = tmp_path / "nowhere"
    app = show(data_dir=missing)

    assert not app.exception
    assert str(missing) in texts(app, "text")[0]
    assert not missing.exists()


def test_a_damaged_directory_is_an_error_in_words(show: Callable[..., AppTest], tmp_path: Path) -> None:
    (tmp_path / "serving.db").write_bytes(b"no database " * 1000)
    app = show()

    assert not app.exception
    assert "serving.db is not a serving store, or is damaged" in texts(app, "text")[0]
    assert tuple(texts(app, "subheader")) == TITLES


def test_the_time_of_the_data_is_shown(show: Callable[..., AppTest], tmp_path: Path) -> None:
    as_of = now()
    put(tmp_path, views(as_of=as_of), as_of=as_of)

    assert texts(show(), "text")[0].startswith("Data as of ")


def test_what_comes_from_outside_is_never_markdown(show: Callable[..., AppTest], tmp_path: Path) -> None:
    put(tmp_path, views(text=HOSTILE))
    app = show()

    assert not app.exception
    assert HOSTILE in app.code[0].value
    assert app.code[0].language == "plaintext"
    assert not [text for text in texts(app, *MARKDOWN) if "alert" in html.unescape(text) or "7*7" in text]
    assert not app.get("html")
    assert app.dataframe[2].value["User agent"][0] == HOSTILE
    assert not [spec for spec in specifications(app) if "alert" in spec]


def specifications(app: AppTest) -> list[str]:
    """What the browser gets of the charts, without the data."""
    return [element.proto.spec for element in app.get("vega_lite_chart") if isinstance(element, Element)]


def test_a_charts_specification_stays_the_same_while_its_data_change(
    show: Callable[..., AppTest], tmp_path: Path
) -> None:
    put(tmp_path)
    before = show()
    put(tmp_path, views(many=900, text=HOSTILE), publication=2)
    reader_of.clear()
    after = show()

    assert metrics(before) != metrics(after)
    assert specifications(before) == specifications(after)


def test_the_log_shows_only_lines_with_what_was_asked_for(show: Callable[..., AppTest], tmp_path: Path) -> None:
    put(tmp_path)
    app = show()
    assert len(app.code[0].value.splitlines()) == 2

    app.text_input[0].set_value("ADA").run()
    assert app.code[0].value.endswith("[User ada entered state lamp]")
    app.run()
    assert app.text_input[0].value == "ADA"
    app.text_input[0].set_value("nobody").run()
    assert app.code[0].value == "None of the latest 2 lines has “nobody” in it."


def test_the_figures_of_the_day_are_explained(show_visits: Callable[[], AppTest], tmp_path: Path) -> None:
    as_of = now()
    put(tmp_path, views(as_of=as_of, many=1), as_of=as_of)
    app = show_visits()

    assert not app.exception
    assert metrics(app) == {
        "Sessions": "4",
        "Bounce rate": "25.0 %",
        "Pages per session": "2.5",
        "Conversion": "25.0 %",
        "Offers shown": NONE,  # nobody has made a log here
    }
    assert all(metric.help == visits.HELP[metric.label] for metric in app.metric)
    assert len(app.dataframe[0].value) == 7
    assert len(app.get("vega_lite_chart")) == 1


def test_a_day_without_sessions_has_dashes_and_no_errors(show_visits: Callable[[], AppTest], tmp_path: Path) -> None:
    put(tmp_path, nobody())
    with wiring.open_log(tmp_path):
        pass
    app = show_visits()

    assert not app.exception
    assert list(metrics(app).values()) == ["0", NONE, NONE, NONE, "0"]


def test_the_second_page_of_an_empty_directory_has_no_errors(show_visits: Callable[[], AppTest]) -> None:
    app = show_visits()

    assert not app.exception
    assert list(metrics(app).values()) == ["0", NONE, NONE, NONE, NONE]
