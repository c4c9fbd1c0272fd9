"""Buttons of a step: `admin:jobs_step_skip`, `_discard`, `_replay`; a reason where one counts."""

from collections.abc import Callable
from typing import Any, Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from common.errors import UsageError
from jobs.control import steps as control
from jobs.models import QueueEntry
from jobs.pages.posts import found, onwards

_ASKS: Final[dict[str, tuple[Callable[[QueueEntry, str, str], Any], str]]] = {
    "skip": (control.skip, "Step {} is skipped."),
    "discard": (control.discard, "Step {} is discarded."),
    "replay": (lambda step, reason, by: control.replay(step, by), "Step {} is tried again."),
}


def step_button(ask: str) -> Callable[[HttpRequest, int], HttpResponse]:
    """Return the view that does this to the posted step; `reason` says why it is left out."""
    do, told = _ASKS[ask]

    def view(request: HttpRequest, step_id: int) -> HttpResponse:
        step = found(request, QueueEntry, step_id)
        if isinstance(step, HttpResponse):
            return step
        home = reverse("admin:jobs_queueentry_change", args=(step.pk,))
        try:
            do(step, request.POST.get("reason", ""), request.user.get_username())
        except UsageError as error:
            text = str(error)
            messages.warning(request, f"{text[:1].upper()}{text[1:]}.")
        else:
            messages.success(request, told.format(step.pk))
        return onwards(request, home)

    return view
