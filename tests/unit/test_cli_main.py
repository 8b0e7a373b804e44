"""Every error becomes a message and an exit code; nobody sees a traceback."""

from __future__ import annotations

import ctypes
import errno
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import typer

from footfall.apps.cli import main
from footfall.core.errors import Failure, UsageError

ROOT = Path(__file__).parents[2]
CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, PR_CAPBSET_DROP = 1, 2, 24  # from the kernel's headers
Raising = Callable[[BaseException], int]


def without_privileges() -> None:
    """Let the rights of files hold for root too: the program that follows may not override them."""
    for capability in (CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH):
        ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)


def footfall(*arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "footfall.apps.cli", *map(str, arguments)],
        cwd=cwd,
        env={"PATH": os.defpath, "PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        preexec_fn=without_privileges if os.geteuid() == 0 else None,
    )


@pytest.fixture
def raising(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Raising:
    """Runs an application whose only command raises what it is given."""

    def run(error: BaseException) -> int:
        app = typer.Typer(pretty_exceptions_enable=False)

        @app.command()
        def command(data_dir: Path) -> None:
            raise error

        monkeypatch.setattr(main, "app", app)
        monkeypatch.setenv("FOOTFALL_DATA_DIR", str(tmp_path))
        return main.run([str(tmp_path)])

    return run


def test_wrong_usage_exits_with_2_and_says_what_to_do(raising: Raising, capsys: pytest.CaptureFixture[str]) -> None:
    assert raising(UsageError("x.csv is empty.", remedy="Give another file.")) == 2

    assert capsys.readouterr() == ("", "Error: x.csv is empty. Give another file.\n")


def test_a_failure_exits_with_1(raising: Raising, capsys: pytest.CaptureFixture[str]) -> None:
    assert raising(Failure("The disk is full.")) == 1

    assert capsys.readouterr().err == "Error: The disk is full.\n"


def test_ctrl_c_exits_with_130_in_silence(raising: Raising, capsys: pytest.CaptureFixture[str]) -> None:
    assert raising(KeyboardInterrupt()) == 130

    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES, errno.EROFS, errno.EMFILE])
def test_a_refusal_of_the_machine_is_a_message_with_a_remedy(
    raising: Raising, capsys: pytest.CaptureFixture[str], number: int
) -> None:
    assert raising(OSError(number, os.strerror(number), "data/log")) == 1

    assert capsys.readouterr().err.startswith(f"Error: data/log: {os.strerror(number)}. ")


def test_a_bug_leaves_its_trace_in_a_file_that_the_message_names(
    raising: Raising, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert raising(ZeroDivisionError("by zero")) == 1

    said = capsys.readouterr().err
    (crash,) = (tmp_path / "run").glob("crash-*.log")
    assert str(crash) in said
    assert "Traceback" not in said
    assert "ZeroDivisionError: by zero" in crash.read_text()


def test_the_newest_twenty_crash_files_are_kept(raising: Raising, tmp_path: Path) -> None:
    run_dir = tmp_path / "run"
    run_dir.mkdir()
    for number in range(25):
        old = run_dir / f"crash-{number:02}.log"
        old.touch()
        os.utime(old, (number, number))
    (run_dir / "worker.json").touch()

    raising(ZeroDivisionError("by zero"))

    kept = {path.name for path in run_dir.glob("crash-*.log")}
    assert len(kept) == main.CRASHES == 20
    assert kept > {f"crash-{number:02}.log" for number in range(6, 25)}
    assert (run_dir / "worker.json").exists()


def test_a_message_cannot_steer_the_terminal(raising: Raising, capsys: pytest.CaptureFixture[str]) -> None:
    raising(UsageError("x\x1b]0;owned\x07.csv\x9b2J\nis empty."))
    raising(ZeroDivisionError("\x1b[2J"))

    said = capsys.readouterr().err
    assert said.startswith("Error: x\\x1b]0;owned\\x07.csv\\x9b2J\nis empty.\n")
    assert "ZeroDivisionError: \\x1b[2J" in said


def test_a_reader_that_goes_away_is_no_error(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "footfall.apps.cli", "doctor", "--json"]
    with subprocess.Popen(
        command, cwd=tmp_path, env={"PYTHONPATH": str(ROOT / "src")}, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["fly"], "No such command 'fly'"),
        (["backfill"], "Missing argument"),
        (["backfill", "none.tsv"], "none.tsv does not exist"),
        (["backfill", "."], "is a directory"),
        (["backfill", "empty.tsv"], "empty"),
        (["backfill", "notes.csv"], "notes.csv"),
        (["backfill", "notes.csv", "--map", "nonsense"], "COLUMN=FIELD"),
        (["backfill", "notes.csv", "--users", "none.json"], "none.json does not exist"),
        (["replay", "none.tsv"], "none.tsv does not exist"),
        (["load", "visitors", "notes.csv"], "visitors"),
        (["load", "users", "none.json"], "none.json does not exist"),
        (["generate", "--events", "5", "--out", "clicks.docx"], "clicks.docx"),
        (["generate", "--events", "-5", "--out", "clicks.tsv"], "'--events'"),
        (["run", "enrichment", "--replica", "3/2"], "--replica 3/2"),
        (["run", "enrichment", "--name", "../worker"], "--name ../worker"),
        (["run", "enrichment", "--name", "supervisor"], "--name supervisor"),
        (["replay", "notes.csv", "--name", "my replay"], "--name my replay"),
        (["failed", "replay", "--all", "--patterns", "none.yaml"], "none.yaml does not exist"),
        (["tail", "click-data"], "no data directory"),
        (["topics"], "no data directory"),
        (["query", "SELECT 1"], "no data directory"),
        (["verify"], "no data directory"),
        (["failed", "list"], "no data directory"),
        (["failed", "replay"], "to replay"),
        (["up", "--data", "none.tsv"], "none.tsv does not exist"),
        (["up", "--settings", "none.yaml"], "none.yaml does not exist"),
        (["up", "--settings", "broken.yaml"], "broken.yaml, line 3"),
        (["up", "--settings", "odd.yaml"], "odd.yaml, prot"),
        (["up", "--port", "70000"], "'--port'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_usage_is_answered_with_2_and_a_message(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    message: str,
) -> None:
    (tmp_path / "empty.tsv").touch()
    (tmp_path / "notes.csv").write_text("title,text\nhello,world\n")
    (tmp_path / "broken.yaml").write_text("port: 8000\ndata: [\n")
    (tmp_path / "odd.yaml").write_text("prot: 8000\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FOOTFALL_DATA_DIR", raising=False)

    code = main.run(arguments)

    said = capsys.readouterr()
    assert (code, said.out) == (2, ""), said.err
    assert message in said.err
    assert "Traceback" not in said.err


def test_a_directory_without_rights_is_answered_with_1_and_a_remedy(tmp_path: Path) -> None:
    (tmp_path / "locked").mkdir(mode=0o555)

    done = footfall("up", "--data-dir", tmp_path / "locked" / "data", cwd=tmp_path)

    assert done.returncode == 1
    assert "--data-dir" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("arguments", [["--help"], ["status"], ["doctor", "--json"]])
def test_what_only_looks_imports_nothing_heavy(arguments: list[str]) -> None:
    heavy = {"pyarrow", "numpy", "duckdb", "apsw", "structlog"}
    code = (
        "import sys; from footfall.apps.cli.main import run; run(sys.argv[1:]); "
        f"print(sorted({heavy} & set(sys.modules)), file=sys.stderr)"
    )

    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env={"PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stderr.splitlines()[-1] == "[]"
