"""Turns our choices into Streamlit's options. No file is needed for them, and none overrules them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from streamlit import config

DATA_DIR: Final = "footfall_data_dir"
"""Under this name the pages find their data directory, in ``st.secrets``."""

_CHOSEN: Final[dict[str, Any]] = {
    # Nothing leaves this machine. What is listened on is the socket's matter (server.py).
    "server.address": "127.0.0.1",
    "server.headless": True,
    "server.baseUrlPath": "",
    "browser.serverAddress": "127.0.0.1",
    "browser.gatherUsageStats": False,
    # Other people's pages neither read from it nor speak to it, under whatever name they reach it.
    "server.enableCORS": True,
    "server.corsAllowedOrigins": [],
    "server.enableXsrfProtection": True,
    "client.allowedOrigins": [],
    "server.enableStaticServing": False,
    "server.enableAgentApi": False,
    "server.maxUploadSize": 1,
    # Whoever closed the page does not come back for it.
    "server.disconnectedSessionTTL": 10,
    "server.fileWatcherType": "none",
    "server.runOnSave": False,
    "global.developmentMode": False,
    "runner.magicEnabled": False,
    "runner.postScriptGC": False,  # a full collection after each of several runs a second costs more than the runs
    "logger.hideWelcomeMessage": True,
    "logger.level": "warning",
    # What went wrong is said in our words; a trace is for the service's log.
    "client.showErrorDetails": "none",
    "client.showErrorLinks": False,
    "client.toolbarMode": "minimal",
    # Visitors choose their user agents: in a spreadsheet, "=…" in a saved table would be a formula.
    "client.disableDataExport": True,
}
_SHAPE: Final[dict[str, Any]] = {
    "theme.base": None,  # light or dark, as the system says
    "theme.font": "sans-serif",
    "theme.baseRadius": "0.6rem",
    "theme.headingFontSizes": ["1.5rem", "1.2rem", "1rem"],
    "theme.headingFontWeights": [700, 600, 600],
    "theme.metricValueFontSize": "1.75rem",
    "theme.codeFontSize": "0.8rem",
    "theme.paddingTop": "1rem",
}
_LIGHT: Final[dict[str, Any]] = {
    "primaryColor": "#2f625f",
    "backgroundColor": "#fcfaf5",
    "secondaryBackgroundColor": "#f3eee3",
    "textColor": "#1f2933",
    "borderColor": "#dcd8d0",
    "codeTextColor": "#1f2933",
    "codeBackgroundColor": "#f3eee3",
    "chartCategoricalColors": ["#2f7f79", "#c8841a", "#5b5bd6", "#b4446c", "#6b7785"],
}
_DARK: Final[dict[str, Any]] = {
    "primaryColor": "#2dd4bf",
    "backgroundColor": "#14181d",
    "secondaryBackgroundColor": "#1d242b",
    "textColor": "#e6e8ea",
    "borderColor": "#323b45",
    "codeTextColor": "#d7e3e0",
    "codeBackgroundColor": "#0e1216",
    "chartCategoricalColors": ["#2dd4bf", "#fbbf24", "#a5b4fc", "#f472b6", "#94a3b8"],
}


def use_options(port: int, *, names: Sequence[str] = ()) -> None:
    """Make these the options of this process, whose pages are asked for as this machine or by one of these names."""
    hosts = {"server.allowedHosts": ["127.0.0.1", "localhost", *names]}
    themes = {f"theme.light.{key}": value for key, value in _LIGHT.items()}
    themes |= {f"theme.dark.{key}": value for key, value in _DARK.items()}
    chosen = {**_CHOSEN, **hosts, **_SHAPE, **themes, "server.port": port, "browser.serverPort": port}
    config.get_config_options(force_reparse=True, options_from_flags=chosen)
