"""Webhooks in: a delivery is kept, and what it is about is fetched by a small run.

Nothing that a delivery holds is loaded. Deliveries that come while a run has not begun yet are
fetched by that run, each item once however often it was named.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import msgspec
import zstandard
from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from common.digest import content_digest
from common.errors import PermanentError, UsageError
from integrations.contract.webhooks import Delivered, Item, TakesWebhooks
from integrations.models import Integration, WebhookDelivery
from integrations.registry import connector_for
from integrations.settings import read_settings
from integrations.webhooks import genuine, webhooks_of
from jobs.asks import ask_steps
from jobs.models import JobRun, QueueEntry, Stage
from jobs.queue import NewStep, complete, enqueue
from jobs.runs import start
from tenants.scope import every_tenant, tenant_scope

REFETCH: Final = "refetch"
"""The member of a step's params that tells it, and the phase of its asks."""
GATHER: Final = timedelta(seconds=2)
"""How long a run waits for further deliveries, which often come several at once."""
MOST_AT_ONCE: Final = 500
TAKEN_UP_AFTER: Final = timedelta(minutes=30)
"""How long deliveries wait for a run that does not take them, until another one is started."""
_LONGEST_ID: Final = 100


class UnknownWebhookError(UsageError):
    """There is no such webhook, it takes nothing now, or the delivery is not signed by it."""


class NotJsonError(UsageError):
    """The body of a delivery is no JSON."""


@dataclass(frozen=True)
class Receipt:
    """What became of a delivery. is_new: False if it was delivered before."""

    delivery: WebhookDelivery
    is_new: bool


def receive(public_id: str, headers: Mapping[str, str], body: bytes) -> Receipt:
    """Keep a delivery and see to it that what it is about is fetched.

    headers: by their names in small letters. One that was kept before changes nothing. Raises
    UnknownWebhookError, always the same for whatever is not genuine, and NotJsonError.
    """
    found = genuine(public_id, headers, body)
    if found is None:
        raise UnknownWebhookError("there is no such webhook, or the signature is not right")
    integration, takes = found
    with tenant_scope(integration.tenant_id):
        told = _read(integration, takes, headers, body)
        delivery_id = _id_of(headers.get(takes.DELIVERY_HEADER.lower(), ""), body)
        with transaction.atomic():
            try:
                with transaction.atomic():
                    kept = _keep(integration, takes, headers, body, told, delivery_id)
            except IntegrityError:
                known = WebhookDelivery.objects.filter(integration=integration)
                return Receipt(known.get(delivery_id=delivery_id), is_new=False)
            if kept.state == WebhookDelivery.State.WAITING:
                _see_to_run(integration)
    return Receipt(kept, is_new=True)


def _read(
    integration: Integration, takes: TakesWebhooks, headers: Mapping[str, str], body: bytes
) -> Delivered:
    event = _plain(headers.get(takes.EVENT_HEADER.lower(), "")) if takes.EVENT_HEADER else ""
    try:
        settings = read_settings(connector_for(integration.provider), integration)
        msgspec.json.decode(body)  # all of it, for a provider may stop at what it looks for
        told = takes.delivered(event, body, settings)
    except UsageError as error:
        return Delivered(event=event, ignored=str(error))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise NotJsonError("the body of the delivery is no JSON") from None
    if told.items and not integration.credentials:
        return Delivered(event=told.event, ignored="there are no credentials to fetch it by")
    return told


def _keep(
    integration: Integration,
    takes: TakesWebhooks,
    headers: Mapping[str, str],
    body: bytes,
    told: Delivered,
    delivery_id: str,
) -> WebhookDelivery:
    names = ("content-type", "user-agent", takes.DELIVERY_HEADER, takes.EVENT_HEADER)
    shown = {name.lower(): _plain(headers.get(name.lower(), "")) for name in names if name}
    states = WebhookDelivery.State
    state = states.PING if told.is_ping else states.IGNORED if told.ignored else states.WAITING
    row: WebhookDelivery = WebhookDelivery.objects.create(
        tenant_id=integration.tenant_id,
        integration=integration,
        delivery_id=delivery_id,
        event=_plain(told.event)[:100],
        headers={name: value for name, value in shown.items() if value},
        body=zstandard.ZstdCompressor(level=3).compress(body),
        body_size=len(body),
        state=state,
        reason=_plain(told.ignored),
        items=msgspec.to_builtins(told.items),
        received_at=timezone.now(),
    )
    return row


def body_of(delivery: WebhookDelivery) -> bytes:
    """Return the body of a delivery exactly as it came."""
    opener = zstandard.ZstdDecompressor()
    return opener.decompress(bytes(delivery.body), max_output_size=delivery.body_size)


def _id_of(given: str, body: bytes) -> str:
    """Return what a delivery is known by; of one without an id, a digest of its body."""
    if 1 <= len(given) <= _LONGEST_ID and given.isascii() and given.isprintable():
        return given
    return f"body:{content_digest(body)}"


def _plain(text: str) -> str:
    """Return text that every database keeps, cut to what is worth keeping."""
    return text.replace("\0", "").encode(errors="replace").decode()[:500]


def _see_to_run(integration: Integration) -> None:
    """See to it that a run will look at what waits; in the transaction that keeps it.

    A step that waits is held by its lock until that is committed, so that it cannot begin before.
    """
    Integration.objects.select_for_update(no_key=True).get(pk=integration.pk)
    waiting = QueueEntry.objects.filter(
        integration=integration,
        stage=Stage.EXTRACT,
        stream=REFETCH,
        state=QueueEntry.State.QUEUED,
        run__state=JobRun.State.RUNNING,
        run__cancel_requested=False,
    )
    if waiting.select_for_update(of=("self",)).first() is not None:
        return
    run = start(integration, JobRun.Trigger.WEBHOOK, JobRun.Mode.REFETCH)
    enqueue(run, [_step("begin", due=timezone.now() + GATHER)])


def take_up(now: datetime | None = None) -> int:
    """Start runs for deliveries that were left, as their run was cancelled or could not take them.

    Returns how many were started: one an integration, and one in TAKEN_UP_AFTER at most. Meant to
    be called at every sweep.
    """
    before = (now or timezone.now()) - TAKEN_UP_AFTER
    with every_tenant("deliveries of every tenant may have been left"):
        left = WebhookDelivery.objects.filter(
            integration=OuterRef("pk"),
            state=WebhookDelivery.State.WAITING,
            received_at__lt=before,
        )
        tried = JobRun.objects.filter(
            integration=OuterRef("pk"), mode=JobRun.Mode.REFETCH, started_at__gte=before
        )
        found = list(Integration.objects.filter(Exists(left), ~Exists(tried), is_active=True))
    for integration in found:
        with tenant_scope(integration.tenant_id), transaction.atomic():
            _see_to_run(integration)
    return len(found)


def _step(name: str, due: datetime | None = None) -> NewStep:
    return NewStep(
        stage=Stage.EXTRACT,
        stream=REFETCH,
        key=f"{REFETCH}:{name}",
        params={REFETCH: True, "phase": REFETCH},
        run_at=due,
    )


def refetch_step(step: QueueEntry) -> None:
    """Make the asks of what deliveries wait for, each item once."""
    integration: Integration = Integration.objects.get(pk=step.integration_id)
    waiting = WebhookDelivery.objects.filter(
        integration=integration, state=WebhookDelivery.State.WAITING
    )
    found = list(waiting.order_by("id").values_list("pk", "items")[: MOST_AT_ONCE + 1])
    taken, is_more = found[:MOST_AT_ONCE], len(found) > MOST_AT_ONCE
    items = dict.fromkeys(msgspec.convert(each, Item) for _, items in taken for each in items)
    try:
        connector = connector_for(integration.provider)
        takes, settings = webhooks_of(connector), read_settings(connector, integration)
    except UsageError as error:
        raise PermanentError(str(error)) from error
    asks = takes.asks(list(items), settings) if takes is not None else []
    with transaction.atomic():
        rows = WebhookDelivery.objects.filter(pk__in=[pk for pk, _ in taken])
        rows.update(state=WebhookDelivery.State.TAKEN, run_id=step.run_id)
        following = ask_steps(asks, REFETCH)
        if is_more:
            following.append(_step(f"after {taken[-1][0]}"))
        complete(step, successors=following)
