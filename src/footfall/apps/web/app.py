"""Turns the web part's parts into one application: collector, shop, offers, and the files that browsers need."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import metadata
from pathlib import Path
from typing import Final

from fastapi import FastAPI
from fastapi.responses import FileResponse
from fastapi.staticfiles import StaticFiles

from footfall.apps.web import collector, offers, shop
from footfall.apps.web.headers import SecurityHeaders
from footfall.apps.web.parts import WebParts

STATIC: Final = Path(__file__).with_name("static")
TRACKER: Final = "/footfall.js"


def create_app(parts: WebParts) -> FastAPI:
    """The application. While it runs, the intake takes events and the feed hands out offers."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        parts.intake.start()
        parts.feed.start()
        yield
        parts.feed.close()
        parts.intake.close()

    app = FastAPI(
        title="Footfall",
        version=metadata.version("footfall"),
        summary="Takes the clicks of online shops.",
        docs_url=None,  # both load scripts from another host; the collector has a page of its own
        redoc_url=None,
        lifespan=lifespan,
    )
    app.include_router(collector.routes(parts))
    app.include_router(offers.routes(parts))
    app.include_router(shop.routes(parts))
    app.add_api_route(TRACKER, tracker, methods=["GET", "HEAD"], include_in_schema=False)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    shop.handle_errors(app, parts)
    app.add_middleware(SecurityHeaders)
    return app


def tracker() -> FileResponse:
    """The script that any site may load; browsers ask again after an hour."""
    return FileResponse(
        STATIC / "footfall.js",
        media_type="text/javascript",
        headers={"Cache-Control": "public, max-age=3600", "Access-Control-Allow-Origin": "*"},
    )
