"""Turns tables into pictures: one Vega-Lite specification a chart, which never changes while the data do.

So the browser draws a chart once and then only moves what has moved. Nothing in a specification comes from the
data: they are in the tables, and their texts are drawn as texts. Axes keep a fixed width, so nothing jumps.
"""

from __future__ import annotations

from typing import Any, Final

from footfall.apps.dashboard.shapes import DEVICES

Spec = dict[str, Any]

_LABELS: Final = {"labelAngle": 0, "labelOverlap": "greedy", "labelSeparation": 6, "title": "UTC", "ticks": False}
_LEGEND: Final = {"orient": "top", "title": None, "symbolLimit": 6}


def _counted(kinds: tuple[str, ...], *, title: str) -> tuple[list[Spec], Spec, Spec]:
    """How columns of counts become one column: the transformation, their height, and their colour."""
    transform: list[Spec] = [{"fold": list(kinds), "as": ["kind", "count"]}]
    height: Spec = {
        "field": "count",
        "type": "quantitative",
        "title": title,
        "axis": {"minExtent": 32, "maxExtent": 48, "tickMinStep": 1, "tickCount": 4, "format": "~s"},
    }
    colour: Spec = {"field": "kind", "type": "nominal", "scale": {"domain": list(kinds)}, "legend": _LEGEND}
    return transform, height, colour


def _over_time(mark: Spec, *, along: str, kinds: tuple[str, ...], title: str) -> Spec:
    """Counts of these kinds along a column of texts, in the order in which they stand in the table."""
    transform, height, colour = _counted(kinds, title=title)
    return {
        "transform": transform,
        "mark": mark,
        "encoding": {
            "x": {"field": along, "type": "ordinal", "sort": None, "axis": _LABELS},
            "y": height,
            "color": colour,
            "tooltip": [
                {"field": along, "type": "nominal", "title": along},
                {"field": "kind", "type": "nominal", "title": "What"},
                {"field": "count", "type": "quantitative", "title": "How many", "format": ","},
            ],
        },
    }


VISITS: Final = _over_time(
    {"type": "line", "interpolate": "monotone", "strokeWidth": 2, "point": {"size": 28}},
    along="Minute",
    kinds=("Visits", "Visitors"),
    title="in a minute",
)
SESSIONS: Final = _over_time({"type": "bar"}, along="From", kinds=("People", "Bots"), title="sessions")
DAYS: Final = _over_time({"type": "bar"}, along="Day", kinds=("Stayed", "Bounced"), title="sessions")
DEVICE_SHARES: Final[Spec] = {
    "mark": {"type": "arc", "innerRadius": 30, "padAngle": 0.01},
    "encoding": {
        "theta": {"field": "Visitors", "type": "quantitative", "stack": True},
        "color": {
            "field": "Device",
            "type": "nominal",
            "scale": {"domain": list(DEVICES)},
            "legend": {"orient": "right", "title": None},
        },
        "order": {"field": "Visitors", "type": "quantitative", "sort": "descending"},
        "tooltip": [
            {"field": "Device", "type": "nominal"},
            {"field": "Visitors", "type": "quantitative", "format": ","},
        ],
    },
}
CATEGORY_BARS: Final[Spec] = {
    "mark": {"type": "bar"},
    "encoding": {
        "x": {
            "field": "Views",
            "type": "quantitative",
            "title": "views",
            "axis": {"tickMinStep": 1, "tickCount": 4, "format": "~s"},
        },
        "y": {
            "field": "Category",
            "type": "nominal",
            "sort": None,
            "title": None,
            "axis": {"minExtent": 110, "maxExtent": 110, "labelLimit": 104, "ticks": False, "labelOverlap": False},
        },
        "tooltip": [
            {"field": "Category", "type": "nominal"},
            {"field": "Views", "type": "quantitative", "format": ","},
        ],
    },
}
