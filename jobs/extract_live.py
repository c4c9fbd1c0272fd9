"""Extract from a source: a step does one ask of its connector and keeps what it gave."""

from typing import Final

import msgspec
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from common.errors import LostPlaceError, PermanentError, UnreadableError, UsageError
from common.http import Answer
from integrations.contract import Ask, Fetched, Problem
from integrations.expiry import note_expiry
from integrations.models import Integration, QuarantinedRecord, RawPage
from integrations.raw import Response, store
from integrations.registry import connector_for
from jobs import census, checkpoints, retries
from jobs.actors.transform import quarantined, transform_step
from jobs.asks import ask_steps, live_source
from jobs.models import QueueEntry
from jobs.queue import Counts, NewStep, as_claimed, complete
from warehouse.tombstones import bury

UNREADABLE: Final = "unreadable_page"
_KEPT: Final = (
    "the answer is kept among the raw pages, look there at what came instead; the next run asks "
    "for it again"
)


def fetch_step(step: QueueEntry) -> None:
    """Do the ask that the step names.

    An answer that cannot be read is asked for again; in the last attempt it is kept and set
    aside, and the step is dead.
    """
    ask = msgspec.convert(step.params["ask"], Ask)
    integration: Integration = Integration.objects.get(pk=step.integration_id)
    connector = connector_for(integration.provider)
    try:
        live = live_source(step.run, integration)
        fetched = connector.fetch(ask, live)
    except UsageError as error:
        raise PermanentError(str(error)) from error
    except LostPlaceError:
        checkpoints.lose_place(step)
        raise
    except UnreadableError as error:
        if step.attempts < settings.FETCH_MAX_ATTEMPTS:
            raise
        _set_aside(step, integration, ask, error)
        raise PermanentError(f"{error}; {_KEPT}") from error
    if live.opened is not None:
        note_expiry(integration, live.opened)
    with transaction.atomic():
        _keep(step, integration, ask, fetched)


def _keep(step: QueueEntry, integration: Integration, ask: Ask, fetched: Fetched) -> None:
    phase = step.params["phase"]
    steps: list[NewStep] = []
    for page in fetched.pages:
        kept = _store(step, integration, page.stream, page.answer, is_data=page.is_data)
        if page.is_data:
            steps.append(transform_step(kept))
    steps += ask_steps(fetched.following, phase)
    steps += census.note(step, fetched.seen)
    checkpoints.note(step, ask, fetched.marks)
    buried = bury(step.tenant_id, step.integration_id, fetched.gone, timezone.now())
    if buried:
        told = f"{buried:,} rows of {ask.stream} are no longer at the source"
        retries.log_line(step.tenant_id, step.run_id, told)
    for told in fetched.notes:
        retries.log_line(step.tenant_id, step.run_id, told)
    complete(step, Counts(rows=len(fetched.pages)), steps)


def _store(
    step: QueueEntry, integration: Integration, stream: str, answer: Answer, *, is_data: bool
) -> RawPage:
    response = Response(
        method=answer.method,
        url=answer.url,
        body=answer.body,
        media_type=answer.media_type[:100],
        fetched_at=answer.fetched_at,
        status=answer.status,
        request_body=answer.request_body,
    )
    return store(integration, stream, response, step.run_id, is_data=is_data)


def _set_aside(
    step: QueueEntry, integration: Integration, ask: Ask, error: UnreadableError
) -> None:
    """Keep an answer that cannot be read, with its reason, while the step is still ours."""
    with transaction.atomic():
        page = _store(step, integration, ask.stream, error.answer, is_data=False)
        problem = Problem(
            severity="record",
            reason=UNREADABLE,
            detail=str(error),
            position=0,
            excerpt=error.answer.body[:500].decode(errors="replace"),
        )
        QuarantinedRecord.objects.filter(raw_page=page).delete()
        quarantined(step, page, problem).save()
        QueueEntry.objects.filter(**as_claimed(step)).update(quarantined_count=1)
