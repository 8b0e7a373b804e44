"""Turns `footfall serve` into one with a planted bug: its pages write texts out as they are.

`python -m tests.e2e.careless serve … [--unguarded]`: with ``--unguarded``, its answers lack the headers, too, that
keep a browser from obeying what got into a page.
"""

from __future__ import annotations

import sys
from typing import Any

import jinja2

from footfall.apps.cli.main import main
from footfall.apps.web import headers
from footfall.apps.web.shop import errors


class Careless(jinja2.Environment):
    """Escapes nothing, whatever it is asked for."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{**options, "autoescape": False})


def _no_headers(path: str) -> dict[str, str]:
    del path
    return {}


jinja2.Environment = Careless  # type: ignore[misc, assignment]  # the planted bug
if "--unguarded" in sys.argv:
    sys.argv.remove("--unguarded")
    headers.security_headers = _no_headers
    vars(errors)["security_headers"] = _no_headers
main()
