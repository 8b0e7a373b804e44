"""Turns small programs, and a service of ours, into services of a real supervisor: ``supervised.py DIR NAME…``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from footfall.apps.supervisor.display import PlainDisplay
from footfall.apps.supervisor.services import Service, cart_sink
from footfall.apps.supervisor.supervisor import Supervisor

PROGRAMS: Final = {
    "steady": "import signal; print('here', flush=True); signal.pause()",
    "stubborn": (
        "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('here', flush=True)\n"
        "while True: signal.pause()"
    ),
    "done": "print('done')",
    "wrong": "import sys; print('Error: no such file.', file=sys.stderr); sys.exit(2)",
    "crashing": "import sys; sys.exit('boom')",
    "parent": (
        "import subprocess, sys, signal\n"
        "subprocess.Popen([sys.executable, '-c', 'import signal, os; "
        'print("grandchild", os.getpid(), flush=True); signal.pause()\'])\n'
        "signal.pause()"
    ),
}
"""What the services do; each is the text of a Python program."""


def main() -> None:
    """Supervise the programs named on the command line until a signal comes."""
    directory, *names = sys.argv[1:]
    run_dir = Path(directory)
    services = [
        Service(name=name, command=(sys.executable, "-c", PROGRAMS[name]))
        if name in PROGRAMS
        else cart_sink(data_dir=run_dir.parent)
        for name in names
    ]
    print("ended:", Supervisor(services, run_dir=run_dir, display=PlainDisplay()).run())


if __name__ == "__main__":
    main()
