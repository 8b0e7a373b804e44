"""Turns the name of a function and its arguments into what it means: which types go in, and which comes out."""
