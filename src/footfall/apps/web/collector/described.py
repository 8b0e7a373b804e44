"""Turns a function of a request into a route that stands in the OpenAPI description and costs nothing else."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response


class DescribedRoute(APIRoute):
    """A route whose function reads the raw request itself; what it takes and answers is described by hand."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The function as it is: nothing is parsed or validated on its way."""
        handler: Callable[[Request], Coroutine[Any, Any, Response]] = self.endpoint
        return handler
