"""Laws of the shop's pictures: each product has one of its own, and none can do anything but be looked at."""

from __future__ import annotations

import hashlib
import re
from itertools import chain
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from footfall.apps.web.shop.products import file_part
from footfall.apps.web.shop.rendering import STATIC
from footfall.sources.catalogue import load_catalogue

PRODUCTS = load_catalogue()
FOLDER = STATIC / "products"
PICTURES = sorted(FOLDER.glob("*.svg"))
MARKS = [STATIC / "favicon.svg", STATIC / "logo.svg"]
SVG = "{http://www.w3.org/2000/svg}"
DRAWING = {"svg", "title", "g", "path", "rect", "circle", "ellipse"}
"""Nothing that runs, links, loads, or is set in a font that may be missing."""
ATTRIBUTES = {
    "svg": {"viewBox", "role"},
    "title": set(),
    "g": {"transform", "fill", "stroke", "stroke-width", "opacity"},
    "path": {"d"},
    "rect": {"x", "y", "width", "height", "rx"},
    "circle": {"cx", "cy", "r"},
    "ellipse": {"cx", "cy", "rx", "ry"},
}
PAINT = {
    "fill",
    "opacity",
    "stroke",
    "stroke-dasharray",
    "stroke-linecap",
    "stroke-linejoin",
    "stroke-width",
    "transform",
}
COLOUR = re.compile(r"none|#(?:[0-9a-f]{3}){1,2}")
SMALLEST, LARGEST = 600, 3072  # bytes: drawn with some care, and light enough for a page of sixty


def each(paths: list[Path]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("path", paths, ids=[path.stem for path in paths])


def svg(path: Path) -> ET.Element:
    text = path.read_text(encoding="utf-8")
    assert "<!" not in text, "neither entities nor comments"
    assert "<?" not in text, "no processing instructions, so no style sheets"
    return ET.fromstring(text)  # noqa: S314 - our own file, without entities


def test_each_product_has_a_picture_that_bears_its_title() -> None:
    titles = {svg(path).findtext(f"{SVG}title") for path in PICTURES}

    assert len(PRODUCTS) == 41
    for product in PRODUCTS:
        assert product.image == f"{product.id}.svg"
        assert (FOLDER / product.image).is_file(), product.title
        assert product.title in titles


def test_each_category_has_a_picture_for_products_without_one() -> None:
    wanted = {f"category-{file_part(product.category)}.svg" for product in PRODUCTS if product.category}

    assert len(wanted) == 13
    assert {*wanted, "category-unknown.svg"} <= {path.name for path in PICTURES}


def test_there_is_no_picture_of_nothing() -> None:
    assert len(PICTURES) == 41 + 13 + 1


@each(PICTURES + MARKS)
def test_a_picture_only_draws(path: Path) -> None:
    for element in svg(path).iter():
        name = element.tag.removeprefix(SVG)
        assert name in DRAWING
        assert set(element.attrib) <= ATTRIBUTES[name] | PAINT, element.attrib


@each(PICTURES + MARKS)
def test_a_picture_paints_with_plain_colours(path: Path) -> None:
    paints = chain.from_iterable((one.get("fill"), one.get("stroke")) for one in svg(path).iter())

    for paint in paints:
        assert paint is None or COLOUR.fullmatch(paint), paint


@each(PICTURES)
def test_a_picture_is_a_filled_square_of_bounded_size(path: Path) -> None:
    root = svg(path)
    ground = next(element for element in root if element.tag != f"{SVG}title")

    assert root.get("viewBox") == "0 0 400 400"
    assert (ground.tag, ground.get("width"), ground.get("height")) == (f"{SVG}rect", "400", "400")
    assert SMALLEST <= path.stat().st_size <= LARGEST


def test_no_two_pictures_are_equal() -> None:
    drawings = {hashlib.sha256(re.sub(r"<title>.*?</title>", "", p.read_text()).encode()).digest() for p in PICTURES}

    assert len(drawings) == len(PICTURES)
