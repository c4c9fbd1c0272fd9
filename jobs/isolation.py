"""Works a step in a process of its own: if the step kills it, it kills nothing else.

A worker that dies takes every step with it that it had in hand, and which of them was to blame
cannot be known. So the last attempt of each of them is made here: an innocent step completes, and
one that is deadly is set aside without another worker's death. Where the child says which record
of a page it was reading when it died, only that record is set aside.
"""

import logging
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from typing import Any, Final

from django.conf import settings

from common.errors import PipelineError
from jobs.models import QueueEntry

logger = logging.getLogger(__name__)

HANDED_OVER: Final = 3
"""Exit code of `manage.py work_step` when the step is no longer its claimer's."""
UNSAID: Final = 4
"""Exit code when the child could not say what became of the step, as without a database."""

_NOTE_BYTES: Final = 8
_NO_RECORD: Final = b"\xff" * _NOTE_BYTES
_notes: int | None = None  # in a child: the file that its caller reads if it dies


class ProcessDiedError(PipelineError):
    """The process of an isolated step ended without an answer.

    record: index in its page of the record that it was reading, None if it was reading none.
    """

    def __init__(self, message: str, record: int | None) -> None:
        super().__init__(message)
        self.record = record


def is_wanted(step: QueueEntry) -> bool:
    """Say whether a claimed step is to be worked in a process of its own.

    Not on the in-process broker: there the process that a step could kill is all there is.
    """
    return step.needs_isolation and bool(settings.BROKER_URL)


def work(step: QueueEntry) -> None:
    """Have a claimed step worked by a child, which completes it, puts it back or buries it.

    Raises ProcessDiedError when the child died of it instead. A child that could not begin, or not
    say what came of it, leaves the step to the sweeper. The caller keeps the lease meanwhile; when
    the caller dies, so does the child, for its standard input ends.
    """
    command = [sys.executable, str(settings.BASE_DIR / "manage.py"), "work_step", str(step.pk)]
    command += ["--fence", str(step.fence), "--worker", step.leased_by]
    with tempfile.TemporaryFile() as notes:
        command += ["--notes", str(notes.fileno())]
        with subprocess.Popen(  # noqa: S603
            command, stdin=subprocess.PIPE, cwd=settings.BASE_DIR, pass_fds=(notes.fileno(),)
        ) as child:
            code = child.wait()
        noted = notes.read(_NOTE_BYTES)
    if code in (0, HANDED_OVER):
        return
    told = f"signal {-code}" if code < 0 else f"exit code {code}"
    if code == UNSAID or not noted:
        logger.warning("the process for step %s could not do its part (%s)", step.pk, told)
        return
    raise ProcessDiedError(
        f"the step ended the process that worked on it ({told}), as it or another step did "
        f"before; that was attempt {step.attempts} of {settings.STEP_MAX_ATTEMPTS}",
        None if noted == _NO_RECORD else int.from_bytes(noted),
    )


def keep_notes(descriptor: int) -> None:
    """Note in this file that the work begins, and from now on what this process is reading."""
    global _notes
    _notes = descriptor
    os.pwrite(descriptor, _NO_RECORD, 0)


def on_record() -> Callable[[int | None], Any] | None:
    """Return what notes the index of the record that is read next, None when all are read.

    There is nothing to note outside of a child.
    """
    if _notes is None:
        return None
    descriptor = _notes

    def note(index: int | None) -> None:
        os.pwrite(descriptor, _NO_RECORD if index is None else index.to_bytes(_NOTE_BYTES), 0)

    return note
