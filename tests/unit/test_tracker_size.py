"""The tracker is small, old browsers can read it, and it does nothing that a shop's policy would refuse."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest

from footfall.apps import web

SCRIPT = Path(web.__file__).with_name("static") / "footfall.js"
LIMIT = 5_000
"""Bytes, packed as any web server packs them."""
CODE = re.sub(r"/\*.*?\*/|(?<![:\\])//[^\n]*", "", SCRIPT.read_text(encoding="utf-8"), flags=re.DOTALL)
"""The script without its comments."""
NEWER_THAN_2018 = {
    "optional chaining": r"\?\.[a-zA-Z_$\[(]",
    "?? and its assignments": r"\?\?|\|\|=|&&=",
    "catch without a binding": r"catch\s*\{",
    "private and static fields": r"#\w+\s*[=;(]|\bstatic\s+\w+\s*=",
    "large numbers, separators": r"\b\d+n\b|\b\d+_\d",
    "named methods of later years": r"\.(flat|flatMap|fromEntries|matchAll|replaceAll|at|allSettled|any|findLast)\(",
    "globalThis, import()": r"\bglobalThis\b|\bimport\s*\(",
}
NEVER = {
    "text that becomes code": r"\beval\b|\bFunction\s*\(|set(Timeout|Interval)\(\s*[\"'`]",
    "text that becomes markup": r"innerHTML|outerHTML|insertAdjacentHTML|document\.write",
    "cookies": r"\.cookie\b",
    "other scripts": r"createElement|importScripts|\brequire\b",
    "other hosts": r"https?://",
}


def test_the_tracker_is_smaller_than_five_kilobytes() -> None:
    packed = gzip.compress(SCRIPT.read_bytes(), compresslevel=6, mtime=0)

    assert len(packed) < LIMIT


@pytest.mark.parametrize("what", NEWER_THAN_2018)
def test_a_browser_of_2018_can_read_it(what: str) -> None:
    assert re.findall(NEWER_THAN_2018[what], CODE) == []


@pytest.mark.parametrize("what", NEVER)
def test_it_never_uses(what: str) -> None:
    assert re.findall(NEVER[what], CODE) == []


def test_it_can_be_read_by_those_who_want_to_know_what_it_does() -> None:
    lines = SCRIPT.read_text(encoding="utf-8").splitlines()

    assert max(map(len, lines)) <= 120
    assert "docs/how-to/track-your-site.md" in "\n".join(lines[:5])
