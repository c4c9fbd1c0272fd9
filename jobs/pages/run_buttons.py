"""Buttons of a run: `admin:jobs_run_pause`, `_resume`, `_cancel` and `_retry`."""

from collections.abc import Callable
from typing import Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from common.errors import UsageError
from jobs.control import runs as control
from jobs.models import JobRun
from jobs.pages.posts import found, linked, onwards

Ask = Callable[[JobRun, str], int]

_ASKS: Final[dict[str, tuple[Ask, str]]] = {
    "pause": (control.pause, "Run {} is paused; {count} steps under way end first."),
    "resume": (control.resume, "Run {} goes on; {count} steps wait."),
    "cancel": (
        control.cancel,
        "Run {} is cancelled: {count} steps were left out, those under way end first.",
    ),
    "retry": (control.retry_failed, "Run {} goes on: {count} dead steps are tried again."),
}
"""By the last word of the address: what is done, and what is said then."""


def run_button(ask: str) -> Callable[[HttpRequest, int], HttpResponse]:
    """Return the view that does this to the posted run and goes to where the button was."""
    do, told = _ASKS[ask]

    def view(request: HttpRequest, run_id: int) -> HttpResponse:
        run = found(request, JobRun, run_id)
        if isinstance(run, HttpResponse):
            return run
        home = reverse("admin:jobs_jobrun_change", args=(run.pk,))
        try:
            count = do(run, request.user.get_username())
        except UsageError as error:
            text = str(error)
            messages.warning(request, f"{text[:1].upper()}{text[1:]}.")
        else:
            messages.success(request, linked(told.replace("{count}", f"{count:,}"), run))
        return onwards(request, home)

    return view
