"""Turns expressions into values: one a row, whole columns at a time."""
