"""The query's child process: forked from one that is started already, or with layers of its protection taken away.

``serve SOCKET PATH…`` waits with everything imported; ``ask SOCKET LAYERS`` hands its standard streams to a fork of
that, which does what the child process does; ``run LAYERS PATH…`` is a child process of its own. Layers to take away:
``list``, ``engine``, ``kernel``, ``alarm``, and ``line``, the one to stand at the end of.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
from typing import Any


def without(layers: str) -> None:
    """Take these away."""
    from footfall.apps.sandbox import child, jail, statement

    def anything(connection: Any, sql: str, tables: object) -> statement.Checked:
        return statement.Checked(connection.extract_statements(sql)[0])

    if "list" in layers:
        statement.check = anything
    if "engine" in layers:
        child._lock = lambda connection, files: None
        child._SETTINGS = {"threads": "1", "async_threads": "0"}
    if "kernel" in layers:
        jail.lock_in = lambda *_, **__: (False, False)
    if "line" in layers:
        jail.behind = lambda nice: None
    if "alarm" in layers:
        jail.end_at = lambda until: None


def serve(path: str) -> None:
    """Fork for each who asks, until this process is ended."""
    import duckdb  # noqa: F401 - the forks have it
    import pyarrow as pa  # noqa: F401

    from footfall.apps.sandbox import calls, child, jail, landlock, statement  # noqa: F401

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(path)
        door.listen()
        print("ready", flush=True)
        while True:
            connection, _ = door.accept()
            if os.fork() == 0:
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                answer(connection)
                os._exit(0)
            connection.close()


def answer(connection: socket.socket) -> None:
    """Run one child process for who has asked, and tell its exit code."""
    layers, streams, _, _ = socket.recv_fds(connection, 100, 3)
    worker = os.fork()
    if worker == 0:
        connection.close()
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
            os.close(stream)
        os._exit(work(layers.decode()))
    for stream in streams:
        os.close(stream)
    _, status = os.waitpid(worker, 0)
    connection.sendall(bytes([os.waitstatus_to_exitcode(status) & 0x7F]))


def work(layers: str) -> int:
    """What the child process does; its exit code."""
    from footfall.apps.sandbox import child

    without(layers)
    try:
        child.main()
    except SystemExit as end:
        sys.stdout.flush()
        return int(end.code or 0)
    except Exception as error:  # noqa: BLE001 - as Python itself would
        print("Traceback", repr(error), file=sys.stderr, flush=True)
        return 1
    return 0


def ask(path: str, layers: str) -> None:
    """Have a fork work with this process's standard streams."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(path)
        socket.send_fds(connection, [layers.encode() or b"-"], [0, 1, 2])
        for stream in range(3):  # so that they end when the fork does
            os.close(stream)
        os._exit(connection.recv(1)[0])


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["serve", where, *places]:
            sys.path[:0] = places
            serve(where)
        case ["ask", where, taken]:
            ask(where, taken)
        case ["run", taken, *places]:
            sys.path[:0] = places
            raise SystemExit(work(taken))
