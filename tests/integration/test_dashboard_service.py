"""`footfall dashboard` as a process: who may reach it, how it begins and ends, and that nothing overrules it."""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

import psutil
import pytest

from footfall.apps.status import State, read_statuses
from tests.e2e.serving import HOST, free_port, until
from tests.observing import command, environment

ROUTE: Final = "/_stcore/stream"
"""Where Streamlit's pages connect to."""
Start = Callable[..., "Running"]


class Running:
    """One `footfall dashboard`."""

    def __init__(self, data_dir: Path, *, home: Path, port: int, options: Sequence[str] = ()) -> None:
        self.port = port
        self.process = subprocess.Popen(
            command("dashboard", "--port", str(port), "--data-dir", data_dir, *options),
            env={**environment(), "HOME": str(home)},
            cwd=home,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )

    def get(self, path: str) -> http.client.HTTPResponse:
        """The head of the answer."""
        with contextlib.closing(http.client.HTTPConnection(HOST, self.port, timeout=10)) as connection:
            connection.request("GET", path)
            with connection.getresponse() as answer:
                return answer

    def serves(self) -> bool:
        assert self.process.poll() is None, self.process.communicate()[1]
        try:
            return self.get("/_stcore/health").status == http.client.OK
        except OSError:
            return False

    def connect(self, *, host: str = "", origin: str = "") -> socket.socket:
        """A page's connection, just asked for."""
        key = base64.b64encode(os.urandom(16)).decode()
        own = f"{HOST}:{self.port}"
        request = (
            f"GET {ROUTE} HTTP/1.1\r\nHost: {host or own}\r\nOrigin: {origin or 'http://' + own}\r\n"
            f"Upgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n"
        )
        connection = socket.create_connection((HOST, self.port), timeout=10)
        connection.sendall(request.encode())
        return connection

    def answer(self, *, host: str = "", origin: str = "") -> int:
        """The status of the answer to a connection that is asked for under this name, from this page."""
        with self.connect(host=host, origin=origin) as connection:
            return int(connection.recv(64).split()[1])

    def end(self) -> tuple[int, float]:
        """The exit code after SIGTERM, and the seconds that it took."""
        begun = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(timeout=20)
        return code, time.monotonic() - begun


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts dashboards on an empty data directory, with a home of their own."""
    made: list[Running] = []
    data_dir, home = tmp_path / "data", tmp_path / "home"
    for directory in (data_dir, home / ".streamlit"):
        directory.mkdir(parents=True)

    def run(port: int | None = None, *options: str) -> Running:
        made.append(Running(data_dir, home=home, port=free_port() if port is None else port, options=options))
        return made[-1]

    yield run
    for one in made:
        one.process.kill()
        one.process.communicate()


@pytest.fixture
def running(start: Start) -> Running:
    """A dashboard that serves."""
    one = start()
    until(one.serves, seconds=30, what="the dashboard serves")
    return one


@pytest.mark.alone
def test_it_ends_within_two_seconds_also_while_pages_are_open(running: Running, tmp_path: Path) -> None:
    with running.connect() as page:
        assert page.recv(12) == b"HTTP/1.1 101"
        code, seconds = running.end()

    assert code == 0
    assert seconds < 2
    assert json.loads((tmp_path / "data/run/dashboard.json").read_text())["state"] == "stopped"


def test_it_is_among_what_runs(running: Running, tmp_path: Path) -> None:
    def statuses() -> list[tuple[str, State]]:
        return [(one.service, one.state) for one in read_statuses(tmp_path / "data/run")]

    until(lambda: statuses() == [("dashboard", State.HEALTHY)])
    assert running.process.poll() is None


def test_it_listens_on_this_machine_only_whatever_is_in_the_users_home(start: Start, tmp_path: Path) -> None:
    wide_open = '[server]\naddress = "0.0.0.0"\nenableCORS = false\nbaseUrlPath = "elsewhere"\n'
    (tmp_path / "home/.streamlit/config.toml").write_text(wide_open)
    running = start()
    until(running.serves, seconds=30, what="the dashboard serves")

    listening = [c.laddr for c in psutil.Process(running.process.pid).net_connections() if c.status == "LISTEN"]
    assert listening == [(HOST, running.port)]
    assert running.answer(origin="http://evil.test") == http.client.FORBIDDEN


def test_settings_of_streamlits_own_that_cannot_be_read_do_not_matter(start: Start, tmp_path: Path) -> None:
    (tmp_path / "home/.streamlit/config.toml").write_text("[server\n")
    (tmp_path / "home/.streamlit/secrets.toml").write_text("[[[\n")
    running = start()

    until(running.serves, seconds=30, what="the dashboard serves")


def test_only_its_own_pages_may_connect_and_only_under_its_own_name(running: Running) -> None:
    assert running.answer() == http.client.SWITCHING_PROTOCOLS
    assert running.answer(origin="http://evil.test") == http.client.FORBIDDEN
    assert running.answer(host="evil.test", origin="http://evil.test") == http.client.FORBIDDEN


def test_a_browser_may_run_its_scripts_only_and_put_it_into_no_frame(running: Running) -> None:
    for path in ("/", "/visits", "/_stcore/health", "/static/nothing.js"):
        answer = running.get(path)
        policy = dict(part.split(" ", 1) for part in (answer.getheader("Content-Security-Policy") or "").split("; "))
        assert "unsafe" not in policy["script-src"], path
        assert policy["default-src"] == policy["frame-ancestors"] == "'none'"
        assert answer.getheader("X-Content-Type-Options") == "nosniff"
        assert answer.getheader("Access-Control-Allow-Origin") is None


def test_a_port_that_is_taken_is_said(start: Start) -> None:
    with socket.create_server((HOST, 0)) as taken:
        process = start(taken.getsockname()[1]).process
        _, said = process.communicate(timeout=30)

    assert process.returncode == 1
    assert "Choose another one with --port." in said


def test_a_directory_that_is_not_there_is_said_and_not_made(tmp_path: Path) -> None:
    missing = tmp_path / "nowhere"
    done = subprocess.run(
        command("dashboard", "--port", "0", "--data-dir", missing),
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )

    assert done.returncode == 2
    assert str(missing) in done.stderr
    assert not missing.exists()


def test_a_dashboard_behind_a_proxy_is_shown_under_its_name_and_no_other(start: Start) -> None:
    one = start(None, "--host", "0.0.0.0", "--known-as", "stats.example.com")  # noqa: S104 - what is tested
    until(one.serves, seconds=30, what="the dashboard serves")

    assert one.answer(host="stats.example.com", origin="https://stats.example.com") == http.client.SWITCHING_PROTOCOLS
    assert one.answer(host="evil.example.com", origin="https://evil.example.com") == http.client.FORBIDDEN
    assert one.answer() == http.client.SWITCHING_PROTOCOLS
    with socket.create_connection(("127.0.0.2", one.port), timeout=10):  # another address of this machine
        pass
