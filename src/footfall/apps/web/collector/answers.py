"""Turns what became of a request's events into the collector's answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from footfall.sources.collect import BadEvent

OPEN_TO_ALL: Final = {
    "Access-Control-Allow-Origin": "*",  # and no credentials: an answer is the same for everybody
    "Access-Control-Expose-Headers": "Retry-After",
    "Cache-Control": "no-store",
}
PREFLIGHT: Final = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "GET, POST",
    "Access-Control-Allow-Headers": "Content-Type, Content-Encoding",
    "Access-Control-Max-Age": "3600",
}
PIXEL: Final = (
    b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\x00\x00\x00"
    b"!\xf9\x04\x01\x00\x00\x00\x00"
    b",\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"
)
"""A transparent picture of one pixel."""
_JSON: Final = "application/json"


class Refusal(msgspec.Struct):
    """Why one event, or the whole request, was not taken."""

    index: int | None
    field: str
    rule: str


class Answer(msgspec.Struct):
    """What every answer of the collector says."""

    accepted: int
    refused: list[Refusal]


class Refused(Exception):
    """A request that is not read any further, with the answer to it."""

    def __init__(self, status: int, rule: str, *, retry_after: int | None = None, close: bool = False) -> None:
        super().__init__(rule)
        self.status = status
        self.rule = rule
        self.retry_after = retry_after
        self.close = close

    def answer(self) -> Response:
        """The answer, in the shape of all others."""
        headers = dict(OPEN_TO_ALL)
        if self.retry_after is not None:
            headers["Retry-After"] = str(self.retry_after)
        if self.close:
            headers["Connection"] = "close"
        body = Answer(0, [Refusal(None, "", self.rule)])
        return Response(msgspec.json.encode(body), self.status, headers=headers, media_type=_JSON)


def answer_of(accepted: int, bad: Sequence[BadEvent]) -> Response:
    """200 when at least one event was taken, 400 when none was."""
    body = Answer(accepted, [Refusal(event.index, event.field, event.rule) for event in bad])
    status = 200 if accepted else 400
    return Response(msgspec.json.encode(body), status, headers=OPEN_TO_ALL, media_type=_JSON)


def picture() -> Response:
    """The pixel that a click in a query is answered with."""
    return Response(PIXEL, headers=OPEN_TO_ALL, media_type="image/gif")


class OtherMethods:
    """Answers methods that an address does not have."""

    def __init__(self, allowed: str) -> None:
        self._allowed = allowed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """405, with the methods there are."""
        body = Answer(0, [Refusal(None, "", f"this address takes {self._allowed}")])
        headers = {**OPEN_TO_ALL, "Allow": self._allowed}
        await Response(msgspec.json.encode(body), 405, headers=headers, media_type=_JSON)(scope, receive, send)
