"""Turns a command line into work, and every error into a message and an exit code.

0 done, 1 failed, 2 wrong usage, 130 ended by Ctrl-C. Nobody sees a traceback: an error of ours is a message;
anything else is a bug, whose trace goes to a file that the message names.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from pathlib import Path
from typing import Final, NoReturn

from footfall.apps.cli.app import app
from footfall.apps.cli.options import calm_libraries, data_dir_of
from footfall.apps.cli.output import say
from footfall.apps.lean import leave_out_pandas
from footfall.core.errors import FootfallError

FULL: Final = "Make room there, or choose another place with --data-dir."
RIGHTS: Final = "Give this user the rights, or choose another place with --data-dir."
REMEDIES: Final = {
    errno.EACCES: RIGHTS,
    errno.EPERM: RIGHTS,
    errno.EROFS: RIGHTS,
    errno.ENOSPC: FULL,
    errno.EDQUOT: FULL,
    errno.EMFILE: "Raise the limit of open files: ulimit -n 4096.",
    errno.ENFILE: "The machine has too many files open. Close some programs.",
}
"""What to do about the machine's refusals that no adapter has put into words."""
CRASHES: Final = 20
"""Crash files that are kept in a data directory."""


def main() -> NoReturn:
    """Run the command that stands in ``sys.argv``, and exit."""
    calm_libraries()
    leave_out_pandas(sys.argv[1:])
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run one command and return its exit code."""
    try:
        app(arguments, prog_name="footfall")
    except SystemExit as end:  # Typer ends this way, also after wrong usage
        return flushed(end.code if isinstance(end.code, int) else 1)
    except FootfallError as error:
        say(f"Error: {error}")
        return flushed(error.exit_code)
    except KeyboardInterrupt:
        return flushed(130)
    except BrokenPipeError:
        return quiet()
    except OSError as error:
        if error.errno not in REMEDIES:
            return flushed(crashed(arguments, error))
        say(f"Error: {error.filename or 'a file'}: {error.strerror}. {REMEDIES[error.errno]}")
        return flushed(1)
    except MemoryError:
        say("Error: not enough memory. Free some, or use a smaller --batch-size.")
        return flushed(1)
    except Exception as error:  # noqa: BLE001 - the outermost place: whatever it is, no traceback reaches the user
        return flushed(crashed(arguments, error))
    return flushed(0)


def flushed(code: int) -> int:
    """The code, once what was printed has left; a reader that went away is no error."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        return quiet()
    return code


def quiet() -> int:
    """End without a word: whoever read our output has gone (``footfall tail … | head``)."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def crashed(arguments: list[str], error: Exception) -> int:
    """Keep the trace of an unexpected exception in a file and say where it is."""
    import traceback

    trace = f"footfall {' '.join(arguments)}\n\n{''.join(traceback.format_exception(error))}"
    path = written(trace, data_dir_of(arguments) / "run")
    first, *_ = str(error).splitlines() or ["no message"]
    say(f"Error: this is a bug in Footfall ({type(error).__name__}: {first[:200]}).")
    say(f"The details are in {path}. Please report them; what was acknowledged before is safe.")
    return 1


def written(trace: str, directory: Path) -> Path:
    """Write the trace to a new file: in the data directory, where the newest are kept, or where temporary files go."""
    import tempfile

    for place in (directory, Path(tempfile.gettempdir())):
        try:
            place.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(prefix="crash-", suffix=".log", dir=place)
        except OSError:
            continue
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(trace)
        if place == directory:  # in the other there may be files of others
            keep_newest(directory, latest=Path(name))
        return Path(name)
    return Path(os.devnull)


def keep_newest(directory: Path, *, latest: Path) -> None:
    """Remove the oldest crash files above `CRASHES`; the latest always stays."""
    with contextlib.suppress(OSError):  # another process may be at it, too
        others = [path for path in directory.glob("crash-*.log") if path.name != latest.name]
        others.sort(key=lambda path: path.stat().st_mtime_ns, reverse=True)
        for path in others[CRASHES - 1 :]:
            path.unlink()
