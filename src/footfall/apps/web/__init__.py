"""Turns requests into clicks, pages and offers: the collector, the shop, and the offers' streams."""
