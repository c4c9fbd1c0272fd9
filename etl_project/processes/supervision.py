"""Supervisor keeps the programs running: its configuration, its start, its end."""

import fcntl
import hashlib
import os
import shlex
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from django.conf import settings

from etl_project.processes import kept
from etl_project.processes.programs import GROUP, Program
from etl_project.processes.watch import Watch

MISCONFIGURED: Final = 2
"""The exit code of our commands that say that starting them again is of no use."""
_STOP_SECONDS: Final = 25
_CHUNK_BYTES: Final = 65536
_LONGEST_SOCKET: Final = 100
"""Bytes of a path that a UNIX socket may have, less a few."""

# One group: programs of a group are stopped beside each other, groups one after another.
_HEAD: Final = """\
[supervisord]
nodaemon=true
silent=true
logfile={log}
logfile_maxbytes=0
pidfile={directory}/supervisord.pid
childlogdir={directory}
directory={base}

[unix_http_server]
file={socket}
chmod=0600

[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface

[supervisorctl]
serverurl=unix://{socket}

[group:{group}]
programs={names}
"""

# A worker tells its children to stop itself; a second SIGTERM would kill them, so it is not sent to
# the group. What ends within startsecs is started again after 1, 2, 3 … seconds, else at once.
_PROGRAM: Final = """
[program:{name}]
command={command}
environment=PROCESS_NAME="{name}"
startsecs=3
startretries=1000000
autorestart=unexpected
exitcodes={misconfigured}
stopsignal=TERM
stopasgroup=false
killasgroup=true
stopwaitsecs={stop_seconds}
redirect_stderr=true
stdout_logfile=/dev/stderr
stdout_logfile_maxbytes=0
"""


@contextmanager
def supervised(
    directory: Path, programs: Sequence[Program], environment: Mapping[str, str]
) -> Iterator[Watch]:
    """Run the programs until the context ends, and start again what dies; give the watch over them.

    Their lines go to standard error. environment: what they get beside ours. Call it from the
    main thread.
    """
    log = directory / "supervisord.log"
    log.write_text("")
    configuration = directory / "supervisord.conf"
    configuration.write_text(_configuration(directory, programs, log))
    with _standard_error() as standard_error:
        child = subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", "supervisor.supervisord", "-n", "-c", str(configuration)],
            env={**os.environ, **environment, kept.MARK: str(directory)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=standard_error,
            start_new_session=True,  # Ctrl-C is for us, who then stop them in order
        )
        watch = Watch(directory, child, log, [program.name for program in programs])
        watch.start()
        try:
            yield watch
        finally:
            watch.stop()
            kept.end_all(directory)
            child.wait()


def _configuration(directory: Path, programs: Sequence[Program], log: Path) -> str:
    parts = [
        _HEAD.format(
            log=_plain(str(log)),
            directory=_plain(str(directory)),
            base=_plain(str(settings.BASE_DIR)),
            socket=_plain(str(_socket(directory))),
            group=GROUP,
            names=",".join(program.name for program in programs),
        )
    ]
    parts += [
        _PROGRAM.format(
            name=program.name,
            command=_plain(shlex.join(program.command)),
            misconfigured=MISCONFIGURED,
            stop_seconds=_STOP_SECONDS,
        )
        for program in programs
    ]
    return "".join(parts)


def _plain(text: str) -> str:
    """Return text that Supervisor takes as it stands: it expands %(names)s."""
    return text.replace("%", "%%")


def _socket(directory: Path) -> Path:
    wanted = directory / "supervisor.sock"
    if len(os.fsencode(wanted)) <= _LONGEST_SOCKET:
        return wanted
    name = hashlib.sha256(os.fsencode(directory)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"etl-up-{name}.sock"


@contextmanager
def _standard_error() -> Iterator[int]:
    """Give a descriptor of our standard error that others can open anew, as Supervisor does.

    A socket nobody can, and what was opened by another user (sudo) we may not; then it is a pipe
    to a thread of ours that copies.
    """
    try:
        os.close(os.open("/dev/stderr", os.O_WRONLY))
    except OSError:
        with _copied_to(2) as pipe:
            yield pipe
        return
    # They append, and so must we, or we would write over their lines in a file.
    fcntl.fcntl(2, fcntl.F_SETFL, fcntl.fcntl(2, fcntl.F_GETFL) | os.O_APPEND)
    yield 2


@contextmanager
def _copied_to(target: int) -> Iterator[int]:
    ours, theirs = os.pipe()

    def copy() -> None:
        with open(ours, "rb", buffering=0) as lines:  # noqa: PTH123
            while data := lines.read(_CHUNK_BYTES):
                os.write(target, data)

    thread = threading.Thread(target=copy, name="standard error", daemon=True)
    thread.start()
    try:
        yield theirs
    finally:
        os.close(theirs)
        thread.join(_STOP_SECONDS)
