"""Turns a visitor's offers into events on the visitor's page, and showings into events of the log."""

from footfall.apps.web.offers.endpoints import routes

__all__ = ["routes"]
