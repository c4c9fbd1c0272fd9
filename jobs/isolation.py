"""Works a step in a process of its own: if the step kills it, it kills nothing else.

A worker that dies takes every step with it that it had in hand, and which of them was to blame
cannot be known. So the last attempt of each of them is made here: an innocent step completes, and
one that is deadly is set aside without another worker's death.
"""

import subprocess
import sys
from typing import Final

from django.conf import settings

from common.errors import PipelineError
from jobs.models import QueueEntry

HANDED_OVER: Final = 3
"""Exit code of `manage.py work_step` when the step is no longer its claimer's."""


class ProcessDiedError(PipelineError):
    """The process of an isolated step ended without an answer."""


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
    with subprocess.Popen(  # noqa: S603
        command, stdin=subprocess.PIPE, cwd=settings.BASE_DIR
    ) as child:
        code = child.wait()
    if code not in (0, HANDED_OVER):
        told = f"signal {-code}" if code < 0 else f"exit code {code}"
        raise ProcessDiedError(
            f"the step ended the process that worked on it ({told}), as it or another step did "
            f"before; that was attempt {step.attempts} of {settings.STEP_MAX_ATTEMPTS}"
        )
