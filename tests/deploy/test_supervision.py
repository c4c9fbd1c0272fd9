"""What dies is started again, what says that it is misconfigured is not; nothing is left behind."""

import os
import signal
import socket
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest

from common.errors import UsageError
from etl_project.processes import kept
from etl_project.processes.programs import Program, Wanted, programs
from etl_project.processes.supervision import supervised
from tests.end_to_end.system import until

LASTING = "import signal; signal.pause()"


def python(name: str, code: str) -> Program:
    """A program of one line."""
    return Program(name, (sys.executable, "-c", code))


def pid_after(pids: dict[str, int], name: str, before: int | None) -> int:
    """Wait until a program has another pid; return it."""
    until(f"{name} is started again", lambda: pids.get(name, before) != before, 30)
    return pids[name]


def test_what_dies_is_started_again(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with supervised(tmp_path, [python("one", LASTING), python("two", LASTING)], {}) as watch:
        first = watch.wait_for_pids()
        assert set(first) == {"one", "two"}
        os.kill(first["one"], signal.SIGKILL)
        second = pid_after(watch.pids, "one", first["one"])
        assert psutil.pid_exists(second)
        assert watch.pids["two"] == first["two"]
    assert kept.marked(tmp_path) == []
    told = capfd.readouterr().err
    assert "up: one was ended by SIGKILL" in told
    assert f"up: one is started again, pid {second}" in told


def test_what_says_that_it_is_misconfigured_is_left_alone(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    wrong = python("wrong", "print('no such setting'); raise SystemExit(2)")
    told = ""

    def is_told() -> bool:
        nonlocal told
        told += capfd.readouterr().err
        return "wrong is not started again" in told

    with supervised(tmp_path, [wrong, python("right", LASTING)], {}) as watch:
        until("it is told", is_told)
        pid = watch.pids["wrong"]
        os.kill(watch.pids["right"], signal.SIGTERM)
        pid_after(watch.pids, "right", watch.pids["right"])
        assert watch.pids["wrong"] == pid
    assert "no such setting" in told


def test_programs_know_their_names_and_write_to_where_we_do(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    code = "import os, signal; print(os.environ['PROCESS_NAME'], os.environ['GIVEN'], flush=True)"
    program = python("worker-1", f"{code}; signal.pause()")
    told = ""

    def is_told() -> bool:
        nonlocal told
        told += capfd.readouterr().err
        return "worker-1 100%" in told

    with supervised(tmp_path, [program], {"GIVEN": "100%"}):
        until("its line is there", is_told)


def test_lines_come_even_through_a_socket(tmp_path: Path) -> None:
    """A socket cannot be opened anew, as Supervisor would; nor can what another user opened."""
    ours, theirs = socket.socketpair()
    kept_error = os.dup(2)
    program = python("one", f"print('a line of one', flush=True); {LASTING}")
    with ours, theirs, ours.makefile("r") as lines:
        os.dup2(theirs.fileno(), 2)
        try:
            with supervised(tmp_path, [program], {}):
                assert lines.readline() == "a line of one\n"
        finally:
            os.dup2(kept_error, 2)
            os.close(kept_error)
    assert kept.marked(tmp_path) == []


def test_a_child_whose_parent_was_killed_is_stopped(tmp_path: Path) -> None:
    child = f"import signal; print(flush=True); {LASTING}"
    parent = (
        "import signal, subprocess, sys; "
        f"subprocess.Popen([sys.executable, '-c', {child!r}]); {LASTING}"
    )
    with supervised(tmp_path, [python("parent", parent)], {}) as watch:
        pid = watch.wait_for_pids()["parent"]
        until("there is a child", lambda: len(psutil.Process(pid).children()) == 1)
        (orphan,) = psutil.Process(pid).children()
        os.kill(pid, signal.SIGKILL)
        until("the orphan is gone", lambda: not alive(orphan), 10)
        pid_after(watch.pids, "parent", pid)


def alive(process: psutil.Process) -> bool:
    """Whether a process still does anything."""
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_what_does_not_hear_is_killed_in_the_end(tmp_path: Path) -> None:
    deaf = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True)"
    process = subprocess.Popen(
        [sys.executable, "-c", f"{deaf}; {LASTING}"],
        env={**os.environ, kept.MARK: str(tmp_path)},
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    process.stdout.readline()
    assert kept.end_all(tmp_path, seconds=0.3) == 1
    assert process.wait(5) == -signal.SIGKILL


def test_processes_of_another_directory_are_left_alone(tmp_path: Path) -> None:
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    with ExitStack() as stack:
        for directory in (ours, theirs):
            directory.mkdir()
        watch = stack.enter_context(supervised(theirs, [python("one", LASTING)], {}))
        pid = watch.wait_for_pids()["one"]
        assert kept.end_all(ours) == 0
        assert psutil.pid_exists(pid)


def test_only_one_holds_a_directory(tmp_path: Path) -> None:
    assert kept.running(tmp_path) is None
    with kept.only_one(tmp_path):
        assert kept.running(tmp_path) == os.getpid()
        with pytest.raises(UsageError, match="it is up already"), kept.only_one(tmp_path):
            pass
    assert kept.running(tmp_path) is None


def test_there_are_as_many_programs_as_wanted() -> None:
    wanted = Wanted(port=None, workers=2, schedulers=1, processes=3, threads=5)
    found = programs(wanted)
    assert [program.name for program in found] == ["worker-1", "worker-2", "scheduler-1"]
    assert found[0].command[1:] == ("manage.py", "worker", "--processes", "3", "--threads", "5")
    with_web = programs(Wanted(port=81, workers=0, schedulers=0, processes=1, threads=1))
    assert [program.name for program in with_web] == ["web"]
    assert "81" in with_web[0].command
