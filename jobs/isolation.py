"""Works a step in a process of its own: if the step kills it, it kills nothing else.

A worker that dies takes every step with it that it had in hand, and which of them was to blame
cannot be known. So the last attempt of each of them is made here: an innocent step completes, and
one that is deadly is set aside without another worker's death. Where the child says which record
of a page it was reading when it died, only that record is set aside.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from typing import Any, Final

from django.conf import settings

from common.errors import PipelineError
from jobs.models import QueueEntry

HANDED_OVER: Final = 3
"""Exit code of `manage.py work_step` when the step is no longer its claimer's."""

_INDEX_BYTES: Final = 8
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

    Raises ProcessDiedError when the child died instead. The caller keeps the lease meanwhile;
    when the caller dies, so does the child, for its standard input ends.
    """
    command = [sys.executable, str(settings.BASE_DIR / "manage.py"), "work_step", str(step.pk)]
    command += ["--fence", str(step.fence), "--worker", step.leased_by]
    with tempfile.TemporaryFile() as notes:
        command += ["--notes", str(notes.fileno())]
        with subprocess.Popen(  # noqa: S603
            command, stdin=subprocess.PIPE, cwd=settings.BASE_DIR, pass_fds=(notes.fileno(),)
        ) as child:
            code = child.wait()
        if code in (0, HANDED_OVER):
            return
        noted = notes.read(_INDEX_BYTES)
    told = f"signal {-code}" if code < 0 else f"exit code {code}"
    raise ProcessDiedError(
        f"the step ended the process that worked on it ({told}), as it or another step did "
        f"before; that was attempt {step.attempts} of {settings.STEP_MAX_ATTEMPTS}",
        int.from_bytes(noted) if noted else None,
    )


def keep_notes(descriptor: int) -> None:
    """Note in this file, from now on, what this process is reading."""
    global _notes
    _notes = descriptor


def on_record() -> Callable[[int], Any] | None:
    """Return what notes the index of the record that is read next; None outside of a child."""
    if _notes is None:
        return None
    descriptor = _notes
    return lambda index: os.pwrite(descriptor, index.to_bytes(_INDEX_BYTES), 0)
