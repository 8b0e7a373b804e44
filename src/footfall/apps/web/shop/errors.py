"""Turns what goes wrong into pages in the shop's look for people, and into JSON for programs."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from fastapi import FastAPI
from fastapi.exception_handlers import http_exception_handler
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from footfall.apps.web.headers import security_headers
from footfall.apps.web.parts import WebParts
from footfall.apps.web.shop.rendering import Renderer, visit_of
from footfall.core.errors import FootfallError, Unavailable
from footfall.engine.logs import logger

_HEADINGS: Final = {
    400: "We cannot read this",
    403: "This is not allowed",
    404: "There is nothing here",
    405: "This does not work here",
    503: "Not just now",
}
_TEXTS: Final = {
    404: "The address may be mistyped, or what was here is gone.",
    405: "This address takes another kind of request.",
    500: "Something went wrong on our side. It was noted; please try again.",
    503: "The shop cannot answer just now. Please try again in a moment.",
}


def handle_errors(app: FastAPI, parts: WebParts) -> None:
    """Answer every error of this application."""
    renderer = Renderer(parts)

    async def refused(request: Request, error: Exception) -> Response:
        if not isinstance(error, HTTPException):
            raise error
        if not _wants_page(request):
            return await http_exception_handler(request, error)
        return await _page(renderer, parts, request, error.status_code, error.detail, headers=error.headers)

    async def failed(request: Request, error: Exception) -> Response:
        logger().error("page_failed", path=request.scope["path"], error=f"{type(error).__name__}: {error}")
        status = 503 if isinstance(error, Unavailable) else 500
        # This answer is made outside of all that is wrapped around the application.
        headers = security_headers(request.scope["path"])
        if status == 503:
            headers["Retry-After"] = "5"
        if not _wants_page(request):
            return JSONResponse({"detail": _TEXTS[status]}, status, headers=headers)
        return await _page(renderer, parts, request, status, None, headers=headers)

    app.add_exception_handler(HTTPException, refused)
    app.add_exception_handler(FootfallError, failed)
    app.add_exception_handler(Exception, failed)


def _wants_page(request: Request) -> bool:
    return "text/html" in request.headers.get("accept", "")


async def _page(
    renderer: Renderer,
    parts: WebParts,
    request: Request,
    status: int,
    detail: str | None,
    *,
    headers: object,
) -> Response:
    phrase = HTTPStatus(status).phrase if status in {*HTTPStatus} else "Error"
    own = detail if detail and detail != phrase else None
    back = {} if request.method in {"GET", "HEAD"} else {"back": "/"}  # nobody can go back to a POST
    return await renderer.page(
        "error.html",
        request,
        visit_of(request, key=parts.key),
        status=status,
        headers=dict(headers) if isinstance(headers, dict) else None,
        heading=_HEADINGS.get(status, phrase),
        text=own or _TEXTS.get(status, "The request could not be answered."),
        number=status,
        **back,
    )
