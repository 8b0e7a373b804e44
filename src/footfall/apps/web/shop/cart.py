"""Turns the cart's form into one message on ``cart-data``, and shows what was stored."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec
import pyarrow as pa
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from footfall.apps.web.shop.forms import form_of
from footfall.apps.web.shop.pages import Shop
from footfall.apps.web.shop.products import Product
from footfall.apps.web.shop.rendering import Visit, keep, keep_visitor, visit_of
from footfall.apps.web.shop.selection import (
    LIMITS,
    Form,
    Selection,
    cart_row,
    category_for,
    form_of_token,
    selected,
    username_problem,
)
from footfall.apps.web.shop.signing import signed, text_of
from footfall.core.events import CART, EVENT_ID, Batch
from footfall.core.hashing import id_from_text
from footfall.engine.intake import Arrival

RECEIPT: Final = "cart-added"
"""The cookie that says what was stored last, for the page after it."""
_RECEIPT_SECONDS: Final = 600
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_OLD: Final = "This form has been open for too long, or it is not ours. Your choice is kept: add it once more."
_LATER: Final = "The cart cannot be written just now. Nothing is lost: wait a moment and add it once more."


class _Receipt(msgspec.Struct, frozen=True):
    """What was stored."""

    selection: Selection
    created_us: int
    product: str | None
    """Of which product a click was stored with it."""


class Cart:
    """The cart's pages."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self._key = shop.parts.key

    async def show(self, request: Request) -> Response:
        """The form. Its options show when there is a username."""
        query = request.query_params
        product = await self._product(query.get("product"))
        values = {"username": query.get("username", "").strip()}
        if product:
            values["category"] = category_for(product.category)
        wrong = (
            {"username": problem} if "username" in query and (problem := username_problem(values["username"])) else {}
        )
        visit = await self._shop.visit(request)
        return await self._page(request, visit, product=product, values=values, wrong=wrong, form=self._new_form())

    async def add(self, request: Request) -> Response:
        """Store what the form says, once however often it is sent; or say on the page what is wrong with it."""
        fields = await form_of(request)
        now = self._shop.parts.clock.now_ms()
        product = await self._product(fields.get("product"))
        form = form_of_token(fields.get("form"), key=self._key, now_ms=now)
        selection = selected(fields)
        if form is None or not isinstance(selection, Selection):
            wrong = selection if isinstance(selection, dict) else {}
            return await self._again(request, fields, status=400, product=product, form=form, wrong=wrong)
        visit = await self._shop.visit(request)
        created = form.created_us(selection)
        clicks = self._click(request, visit, form=form, product=product, created_us=created)
        arrival = Arrival(clicks=clicks, others=[(CART, cart_row(selection, created_us=created))])
        if not await self._shop.publisher.publish(arrival, what="cart"):
            return await self._again(request, fields, status=503, product=product, form=form, wrong={})
        response = RedirectResponse("/cart/added", 303, headers={"Cache-Control": "no-store"})
        receipt = msgspec.json.encode(_Receipt(selection, created, product.name if product and clicks else None))
        keep(response, RECEIPT, signed(self._key, RECEIPT, receipt.decode()), request, seconds=_RECEIPT_SECONDS)
        keep_visitor(response, visit, request, key=self._key)
        return response

    async def added(self, request: Request) -> Response:
        """What was stored last."""
        text = text_of(self._key, RECEIPT, request.cookies.get(RECEIPT))
        if text is None:
            return RedirectResponse("/cart", 303, headers={"Cache-Control": "no-store"})
        receipt = msgspec.json.decode(text, type=_Receipt)
        return await self._shop.renderer.page(
            "added.html",
            request,
            await self._shop.visit(request),
            stored=msgspec.structs.asdict(receipt.selection),
            created=f"{_EPOCH + timedelta(microseconds=receipt.created_us):%Y-%m-%d %H:%M:%S.%f} UTC",
            product=receipt.product,
        )

    async def _again(
        self,
        request: Request,
        fields: Mapping[str, str],
        *,
        status: int,
        product: Product | None,
        form: Form | None,
        wrong: Mapping[str, str],
    ) -> Response:
        """The form once more, with what was chosen; it stays the same message when nothing is wrong with it."""
        notes = [_LATER] if status == 503 else [_OLD] if form is None else []
        return await self._page(
            request,
            visit_of(request, key=self._key),
            status=status,
            headers={"Retry-After": "5"} if status == 503 else None,
            product=product,
            values={name: fields.get(name, "") for name in LIMITS},
            wrong=wrong,
            form=form or self._new_form(),
            notes=notes,
            back="/cart",
        )

    async def _page(
        self,
        request: Request,
        visit: Visit,
        *,
        product: Product | None,
        values: Mapping[str, str],
        wrong: Mapping[str, str],
        form: Form,
        **more: Any,
    ) -> Response:
        chosen = {name: values.get(name, "") for name in LIMITS}
        token = form.token(self._key)
        return await self._shop.renderer.page(
            "cart.html", request, visit, product=product, values=chosen, wrong=wrong, token=token, **more
        )

    def _new_form(self) -> Form:
        return Form(self._shop.parts.clock.now_ms(), self._shop.parts.random(8).hex())

    async def _product(self, product: str | None) -> Product | None:
        return (await self._shop.shelves.catalogue()).find(product) if product else None

    def _click(
        self, request: Request, visit: Visit, *, form: Form, product: Product | None, created_us: int
    ) -> Batch | None:
        """A click of type ``cart`` for the product; the same one however often the form is sent."""
        if product is None or visit.visitor is None:
            return None
        click = self._shop.publisher.click(request, visitor=visit.visitor, product=product.id, event_type="cart")
        event = id_from_text(f"{visit.visitor} {product.id} {form.nonce} {created_us}")
        same = {"event_id": pa.array([event], EVENT_ID), "original_timestamp": pa.array([form.made_ms // 1000])}
        for name, column in same.items():
            place = click.schema.get_field_index(name)
            click = click.set_column(place, click.schema.field(place), column)
        return click
