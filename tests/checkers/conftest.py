"""The sandbox as a process of its own, and the clients that read it."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
PLACE = ROOT / "var" / "checkers"
_SETUP_SECONDS = 600

Ready = dict[str, Any]
Start = Callable[..., Ready]


def set_up(what: str) -> None:
    """Set up one kind of clients; where it cannot be done, fail with CI=true, else skip."""
    environment = {**os.environ, "PYTHON": sys.executable}
    done = subprocess.run(
        [HERE / "setup.sh", what],
        env=environment,
        capture_output=True,
        text=True,
        timeout=_SETUP_SECONDS,
        check=False,
    )
    if done.returncode:
        reason = f"{HERE / 'setup.sh'} {what} did not work:\n{done.stderr[-2_000:]}"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)


@pytest.fixture(scope="session")
def client_python() -> Path:
    """The Python that has the clients."""
    set_up("python")
    return PLACE / "venv" / "bin" / "python"


@pytest.fixture(scope="session")
def client_node() -> Path:
    """The directory whose `node_modules` has the clients."""
    set_up("node")
    return PLACE / "node"


@contextmanager
def serving(*options: str) -> Iterator[Ready]:
    """Run `manage.py sandbox` and yield its ready line; it must end cleanly."""
    command = [sys.executable, str(ROOT / "manage.py"), "sandbox", "--port", "0", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline())
        finally:
            process.terminate()
        assert process.wait(30) == 0


@pytest.fixture
def sandbox() -> Iterator[Start]:
    """Start sandboxes with options; return the ready line."""
    with ExitStack() as stack:
        yield lambda *options: stack.enter_context(serving(*options))


def read_by(*command: str | Path, environment: dict[str, str] | None = None) -> Any:
    """Run a check script and return what it printed; fail with what it said."""
    done = subprocess.run(
        [str(each) for each in command],
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4_000:]
    return json.loads(done.stdout)
