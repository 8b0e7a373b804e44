"""Connections to servers that more than one adapter works with."""
