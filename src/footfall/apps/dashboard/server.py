"""Turns a data directory into a running dashboard: Streamlit's server, in this process."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import streamlit
import uvicorn
from starlette.middleware import Middleware

from footfall.apps.dashboard.headers import PageHeaders, page_policy
from footfall.apps.dashboard.options import DATA_DIR, use_options
from footfall.core.errors import Failure

HOST: Final = "127.0.0.1"
PAGES: Final = Path(__file__).with_name("main.py")
"""The script that Streamlit runs for each visit."""
_MODESTY: Final = 5
"""Added to the process's niceness: however many pages are open, clicks come first."""
_BEAT_SECONDS: Final = 0.5
_GRACE_SECONDS: Final = 1
"""How long open connections may take to end."""


def serve_dashboard(
    *,
    data_dir: Path,
    port: int,
    host: str = HOST,
    names: Sequence[str] = (),
    stop: threading.Event,
    beat: Callable[..., None],
    ready: Callable[[int], None],
) -> None:
    """Serve until told to stop; ``ready`` gets the port in use. Raises Failure when the port is not free.

    Pages are shown to who asks for this machine, or for one of these ``names``; nobody else's page can reach them.
    """
    os.nice(_MODESTY)
    with bound(port, host=host) as listening:
        taken: int = listening.getsockname()[1]
        use_options(taken, names=names)
        page = streamlit.App(
            PAGES,
            secrets={DATA_DIR: str(data_dir.absolute())},
            middleware=[Middleware(PageHeaders, policy=page_policy())],
        )
        server = uvicorn.Server(uvicorn.Config(page, **_server_settings()))
        # Signals go to the main thread, which serves nothing: so a stop is heard at once.
        running = threading.Thread(target=server.run, args=([listening],), name="dashboard", daemon=True)
        running.start()
        _watch(server, running, stop=stop, beat=beat, ready=lambda: ready(taken))
        server.should_exit = True
        running.join()


def bound(port: int, *, host: str = HOST) -> socket.socket:
    """A socket on this address. Raises Failure when somebody else has the port."""
    listening = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
    except OSError as error:
        listening.close()
        raise Failure(
            f"Port {port} of {host} cannot be used: {error.strerror}.", remedy="Choose another one with --port."
        ) from error
    return listening


def _server_settings() -> dict[str, Any]:
    return {
        "lifespan": "on",
        "log_level": "warning",
        "access_log": False,
        "server_header": False,
        "ws": "websockets-sansio",
        "ws_per_message_deflate": False,  # the way is short: from this machine to this machine
        "ws_max_size": 1 << 20,  # the browser sends what somebody typed, and no more
        "timeout_graceful_shutdown": _GRACE_SECONDS,
    }


def _watch(
    server: uvicorn.Server,
    running: threading.Thread,
    *,
    stop: threading.Event,
    beat: Callable[..., None],
    ready: Callable[[], None],
) -> None:
    """Show signs of life until told to stop. Raises Failure when the server ends by itself."""
    begun = False
    while not stop.wait(_BEAT_SECONDS if begun else _BEAT_SECONDS / 10):
        if not running.is_alive():
            raise Failure("The dashboard's server has ended by itself.", remedy="Its last words are above.")
        if server.started:
            if not begun:
                begun = True
                ready()
            beat()
