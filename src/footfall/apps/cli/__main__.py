"""Turns ``python -m footfall.apps.cli`` into the ``footfall`` command."""

from footfall.apps.cli.main import main

main()
