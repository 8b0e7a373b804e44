"""Turns requests of any site into events: ``/collect``, ``/pixel.gif``, how the web part is, and their description."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response
from starlette.routing import Route

from footfall.apps.web.collector.answers import PREFLIGHT, OtherMethods
from footfall.apps.web.collector.described import DescribedRoute
from footfall.apps.web.collector.endpoints import Collector
from footfall.apps.web.collector.openapi import COLLECT, HEALTH, PIXEL
from footfall.apps.web.collector.page import description_page
from footfall.apps.web.parts import WebParts

__all__ = ["routes"]


async def _preflight(_request: object) -> Response:
    return Response(status_code=204, headers=PREFLIGHT)


def routes(parts: WebParts) -> APIRouter:
    """The collector's addresses."""
    collector = Collector(parts)
    router = APIRouter(route_class=DescribedRoute)
    router.add_api_route("/collect", collector.collect, methods=["POST"], openapi_extra=COLLECT)
    router.add_api_route("/pixel.gif", collector.pixel, methods=["GET"], openapi_extra=PIXEL)
    router.add_api_route("/health", collector.health, methods=["GET"], openapi_extra=HEALTH)
    for path, methods in (("/collect", "POST, OPTIONS"), ("/pixel.gif", "GET, OPTIONS")):
        router.routes.append(Route(path, _preflight, methods=["OPTIONS"], include_in_schema=False))
        router.routes.append(Route(path, OtherMethods(methods), include_in_schema=False))
    router.routes.append(Route("/docs", description_page, methods=["GET"], include_in_schema=False))
    return router
