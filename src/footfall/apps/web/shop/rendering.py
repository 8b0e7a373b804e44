"""Turns a template and what is on a page into an answer, with what all pages share: visitor, panel, offers' channel."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import jinja2
import xxhash
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from footfall.apps.web.offers.channel import channel_of
from footfall.apps.web.parts import WebParts
from footfall.apps.web.shop import identity, selection, visitors
from footfall.apps.web.shop.explanation import Explanation
from footfall.apps.web.shop.identity import Identity
from footfall.apps.web.shop.products import Product, file_part, heading

_HERE: Final = Path(__file__).parents[1]
TEMPLATES: Final = _HERE / "templates"
STATIC: Final = _HERE / "static"
CURRENCY: Final = "€"
YEAR_SECONDS: Final = 365 * 86_400
HTML_HEADERS: Final = {"Cache-Control": "no-store", "Vary": "Cookie"}
"""A page names its visitor and the channel of the visitor's offers: nobody keeps a copy."""
LOST_VIEW: Final = "We could not record that you looked at this product, so it does not count towards an offer."
LOST_ID: Final = "We could not give you a visitor id just now, so what you look at does not count towards an offer."


@dataclass(frozen=True, slots=True)
class Visit:
    """Who asks for a page."""

    visitor: str | None
    """None when the visitor has no id (yet)."""
    identity: Identity | None
    is_new: bool = False
    """The browser is to keep the id that it is given now."""


def visit_of(request: Request, *, key: bytes) -> Visit:
    """Who the browser says it is, where we signed that."""
    chosen = identity.identity_of(request.cookies.get(identity.COOKIE))
    return Visit(visitors.visitor_of(key, request.cookies.get(visitors.COOKIE)), chosen)


class Renderer:
    """Makes pages. All that comes from outside is escaped; a name that a template lacks is an error."""

    def __init__(self, parts: WebParts) -> None:
        self._key = parts.key
        self._dashboard = parts.dashboard
        self._explanation = Explanation(parts.patterns, clock=parts.clock)
        self._pictures = frozenset(path.name for path in (STATIC / "products").glob("*.svg"))
        self._environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader(TEMPLATES),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            auto_reload=False,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters.update(price=price, heading=heading, segment=segment)
        self._environment.globals.update(
            asset=_Assets().address,
            picture=self.picture,
            genders=identity.GENDERS,
            youngest=identity.YOUNGEST,
            oldest=identity.OLDEST,
            labels=selection.NAMES,
            choices=selection.CHOICES,
            colours=selection.COLOURS,
        )

    async def page(
        self,
        template: str,
        request: Request,
        visit: Visit,
        *,
        status: int = 200,
        headers: dict[str, str] | None = None,
        **context: Any,
    ) -> HTMLResponse:
        """The page. A new visitor gets the cookie with it."""
        shared: dict[str, Any] = {
            "visit": visit,
            "channel": channel_of(self._key, visit.visitor) if visit.visitor else None,
            "back": address_of(request),
            "explained": await self._explanation.current(),
            "unexplained": self._explanation.further,
            "dashboard": self._dashboard(),
            "notes": [],
        }
        text = self._environment.get_template(template).render(shared | context)
        response = HTMLResponse(text, status, headers={**HTML_HEADERS, **(headers or {})})
        keep_visitor(response, visit, request, key=self._key)
        return response

    def picture(self, product: Product) -> str:
        """The path of the product's picture: its own, or its category's, or one for all others."""
        candidates = (product.image or "", f"{product.id}.svg", f"category-{file_part(product.category)}.svg")
        name = next((name for name in candidates if name in self._pictures), "category-unknown.svg")
        return f"/static/products/{name}"


def keep_visitor(response: Response, visit: Visit, request: Request, *, key: bytes) -> None:
    """Let the browser keep the id of a new visitor."""
    if visit.is_new and visit.visitor:
        keep(response, visitors.COOKIE, visitors.cookie_of(key, visit.visitor), request)


def keep(response: Response, name: str, value: str, request: Request, *, seconds: int = YEAR_SECONDS) -> None:
    """Let the browser keep something that scripts cannot read and other sites' forms do not send."""
    secure = request.url.scheme == "https"
    response.set_cookie(name, value, max_age=seconds, path="/", httponly=True, samesite="lax", secure=secure)


def address_of(request: Request) -> str:
    """The path and query of the page that is asked for."""
    query = request.url.query
    return segment(request.scope["path"], safe="/") + (f"?{query}" if query else "")


def price(amount: float) -> str:
    """As ``€1,299.00``."""
    return f"{CURRENCY}{amount:,.2f}"


def segment(text: str, *, safe: str = "") -> str:
    """A text as part of an address: nothing in it ends the part."""
    return quote(text.encode(errors="replace"), safe=safe)


class _Assets:
    """The files that pages load; a changed file has another address, so that no browser uses an old one."""

    def __init__(self) -> None:
        self._versions = {
            path.name: xxhash.xxh3_64_hexdigest(path.read_bytes())[:8]
            for path in STATIC.iterdir()
            if path.suffix in {".css", ".js", ".svg"}
        }

    def address(self, name: str) -> str:
        """The file's path and version."""
        return f"/static/{name}?v={self._versions.get(name, 0)}"
