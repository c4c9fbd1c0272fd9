"""Pages that a source, or a program for it, pushes: stored raw, then loaded by a run."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db import transaction
from django.utils import timezone

from common.errors import RecordError, UsageError
from integrations.errors import FieldError
from integrations.models import Integration, RawPage
from integrations.raw import JSON, JSON_LINES, Response, store
from integrations.registry import connector_for
from jobs.actors.transform import transform_step
from jobs.models import JobRun
from jobs.queue import enqueue
from jobs.runs import start

METHOD: Final = "PUSH"


@dataclass(frozen=True)
class Pushed:
    """A page as it was pushed. body: just as the source's API gives it.

    is_lines: each line is an entity or a page. fetched_at: when the source gave it, None for now;
    it decides between versions of a row that has no time of its own.
    """

    stream: str
    body: bytes
    is_lines: bool = False
    fetched_at: datetime | None = None


def push(integration: Integration, pushed: Pushed) -> tuple[RawPage, JobRun | None]:
    """Store a page and start the run that loads it; return both, no run if it was there already.

    Raises FieldError for a stream that the provider does not have, a body that is no page of it
    and a time that is still to come; UsageError for an integration that is not active. In the
    tenant's scope.
    """
    if not integration.is_active:
        raise UsageError(f"integration {integration.name} is not active: activate it first")
    response = _response(integration, pushed)
    with transaction.atomic():
        # Two of the same page at once: the second waits, and finds it.
        Integration.objects.select_for_update().get(pk=integration.pk)
        page = store(integration, pushed.stream, response, None)
        if page.run_id is not None:
            return page, None
        params = {"pushed": page.pk}
        run = start(integration, JobRun.Trigger.IMPORT, JobRun.Mode.IMPORT, params)
        page.run_id = run.pk
        page.save(update_fields=["run_id"])
        enqueue(run, [transform_step(page)])
    return page, run


def _response(integration: Integration, pushed: Pushed) -> Response:
    """Return what is stored of a page that its provider can split."""
    connector, now = connector_for(integration.provider), timezone.now()
    known = [each.name for each in connector.streams]
    if pushed.stream not in known:
        raise FieldError(
            "stream", f"{connector.label} has no such stream; there are: {', '.join(known)}"
        )
    if pushed.fetched_at is not None and pushed.fetched_at > now:
        raise FieldError("fetched_at", "this is still to come: give when the source gave the page")
    try:
        for _ in connector.split(pushed.stream, pushed.body, is_lines=pushed.is_lines):
            break
    except RecordError as error:
        raise FieldError("body", f"this is no page of {pushed.stream}: {error}") from None
    count = pushed.body.count(b"\n") + 1
    lines = f"#lines=1-{count}" if pushed.is_lines else ""
    return Response(
        method=METHOD,
        url=f"push:{pushed.stream}{lines}",
        body=pushed.body,
        media_type=JSON_LINES if pushed.is_lines else JSON,
        fetched_at=pushed.fetched_at or now,
    )
