"""Turns requests for the shop into pages, looks at products into clicks, and filled forms into cart messages."""

from __future__ import annotations

from fastapi import APIRouter

from footfall.apps.web.parts import WebParts
from footfall.apps.web.shop.cart import Cart
from footfall.apps.web.shop.errors import handle_errors
from footfall.apps.web.shop.pages import Shop

__all__ = ["handle_errors", "routes"]


def routes(parts: WebParts) -> APIRouter:
    """The shop's pages and forms."""
    shop = Shop(parts)
    cart = Cart(shop)
    router = APIRouter()
    for path, page in {
        "/": shop.home,
        "/categories": shop.categories,
        "/category/{name:path}": shop.category,
        "/product/{product:path}": shop.product,
        "/cart": cart.show,
        "/cart/added": cart.added,
    }.items():
        router.add_route(path, page, methods=["GET", "HEAD"], include_in_schema=False)
    for path, form in {"/identity": shop.choose, "/visitor": shop.renew, "/cart": cart.add}.items():
        router.add_route(path, form, methods=["POST"], include_in_schema=False)
    return router
