"""Turns requests for the shop's pages into pages; a look at a product is on disk before it is answered."""

from __future__ import annotations

import re
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from footfall.apps.web.parts import WebParts
from footfall.apps.web.shop import identity
from footfall.apps.web.shop.clicks import Publisher, in_time
from footfall.apps.web.shop.forms import form_of, own_path
from footfall.apps.web.shop.products import Catalogue, Listing
from footfall.apps.web.shop.rendering import (
    HTML_HEADERS,
    LOST_ID,
    LOST_VIEW,
    Renderer,
    Visit,
    keep,
    keep_visitor,
    visit_of,
)
from footfall.apps.web.shop.shelves import Shelves
from footfall.apps.web.shop.visitors import VisitorIds
from footfall.core.errors import FootfallError
from footfall.engine.intake import Arrival

_TILES: Final = 24
"""How many categories the home page shows."""
_MOST_CATEGORIES: Final = 2_000
_BESIDE: Final = 4
_NUMBER: Final = re.compile(r"[1-9]\d{0,6}", re.ASCII)


class Shop:
    """The shop's pages, and what they work with."""

    def __init__(self, parts: WebParts) -> None:
        self.parts = parts
        self.renderer = Renderer(parts)
        self.shelves = Shelves(parts.store, clock=parts.clock)
        self.publisher = Publisher(parts)
        self._ids = VisitorIds(parts.log, key=parts.key)

    # -- pages -----------------------------------------------------------------------------------------------

    async def home(self, request: Request) -> Response:
        """What this is, the categories, and all products."""
        catalogue = await self.shelves.catalogue()
        listing = _listing(request, catalogue)
        visit = await self.visit(request)
        return await self.renderer.page(
            "home.html",
            request,
            visit,
            notes=_notes(visit, request),
            listing=listing,
            categories=catalogue.categories[:_TILES],
            further=max(0, len(catalogue.categories) - _TILES),
        )

    async def categories(self, request: Request) -> Response:
        """All categories there are, for shops that have more than the home page shows."""
        catalogue = await self.shelves.catalogue()
        visit = await self.visit(request)
        return await self.renderer.page(
            "categories.html",
            request,
            visit,
            notes=_notes(visit, request),
            categories=catalogue.categories[:_MOST_CATEGORIES],
            further=max(0, len(catalogue.categories) - _MOST_CATEGORIES),
        )

    async def category(self, request: Request) -> Response:
        """The products of a category."""
        catalogue = await self.shelves.catalogue()
        name = request.path_params["name"]
        listing = _listing(request, catalogue, category=name)
        visit = await self.visit(request)
        return await self.renderer.page(
            "category.html",
            request,
            visit,
            notes=_notes(visit, request),
            name=name,
            listing=listing,
            categories=catalogue.categories[:_TILES],
        )

    async def product(self, request: Request) -> Response:
        """One product. That it was looked at is on disk before the page is answered, or the page says that it is not.

        A request that only prepares for a visit is turned away, so that the visit itself comes here too.
        """
        if "prefetch" in request.headers.get("sec-purpose", request.headers.get("purpose", "")):
            return PlainTextResponse("Only what is looked at is shown.", 503, headers=HTML_HEADERS)
        catalogue = await self.shelves.catalogue()
        found = catalogue.find(request.path_params["product"])
        if found is None:
            raise HTTPException(404, "We do not have this product.")
        visit = await self.visit(request)
        notes = _notes(visit, request)
        if request.method == "GET" and not await self._look(request, visit, found.id) and not notes:
            notes.append(LOST_VIEW)
        return await self.renderer.page(
            "product.html",
            request,
            visit,
            notes=notes,
            product=found,
            beside=catalogue.beside(found, most=_BESIDE),
        )

    # -- who looks -------------------------------------------------------------------------------------------

    async def choose(self, request: Request) -> Response:
        """Take an age and a gender, and go back to where they were chosen."""
        fields = await form_of(request)
        back = own_path(fields.get("back"))
        identity_or_wrong = identity.chosen(fields)
        if isinstance(identity_or_wrong, dict):
            visit = visit_of(request, key=self.parts.key)
            values = {name: fields.get(name, "") for name in ("age", "gender")}
            return await self.renderer.page(
                "identity.html", request, visit, status=400, back=back, values=values, wrong=identity_or_wrong
            )
        response = _see(back)
        keep(response, identity.COOKIE, identity_or_wrong.cookie, request)
        return response

    async def renew(self, request: Request) -> Response:
        """Make the browser a new visitor; the identity stays."""
        fields = await form_of(request)
        visit = await self._new(Visit(None, None))
        if visit.visitor is None:
            raise HTTPException(503, LOST_ID, headers={"Retry-After": "5"})
        response = _see(own_path(fields.get("back")))
        keep_visitor(response, visit, request, key=self.parts.key)
        return response

    async def visit(self, request: Request) -> Visit:
        """Who asks; somebody new gets an id, unless it was asked for the page's head only."""
        visit = visit_of(request, key=self.parts.key)
        return visit if visit.visitor or request.method == "HEAD" else await self._new(visit)

    async def _new(self, visit: Visit) -> Visit:
        try:
            return Visit(await in_time(self._ids.new()), visit.identity, is_new=True)
        except FootfallError as error:
            self.publisher.lose("visitor id", why=str(error))
            return visit

    async def _look(self, request: Request, visit: Visit, product: str) -> bool:
        if visit.visitor is None:
            self.publisher.lose("view", why="the visitor has no id")
            return False
        click = self.publisher.click(request, visitor=visit.visitor, product=product)
        return await self.publisher.publish(Arrival(clicks=click), what="view")


def _see(path: str) -> RedirectResponse:
    return RedirectResponse(path, 303, headers={"Cache-Control": "no-store"})


def _notes(visit: Visit, request: Request) -> list[str]:
    return [LOST_ID] if visit.visitor is None and request.method == "GET" else []


def _listing(request: Request, catalogue: Catalogue, *, category: str | None = None) -> Listing:
    number = request.query_params.get("page", "1")
    listing = catalogue.listing(int(number), category=category) if _NUMBER.fullmatch(number) else None
    if listing is None:
        raise HTTPException(404, "There is no such page in the shop.")
    return listing
