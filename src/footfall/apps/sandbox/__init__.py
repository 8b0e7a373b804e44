"""Turns one SQL text into rows, in a process of its own that can read the named tables' files and nothing else."""
