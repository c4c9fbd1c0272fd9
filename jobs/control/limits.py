"""How hard an integration may pull at its source: steps at once, requests an hour."""

from typing import Final

from django.db import transaction

from common.errors import UsageError
from integrations.models import Integration
from integrations.own_budget import forget_count
from jobs.models import QueueEntry, Stage
from jobs.queue import wake_relay

MOST_PARALLEL: Final = 100
MOST_REQUESTS: Final = 1_000_000


def set_limits(
    integration: Integration, max_parallel: int | None, requests_per_hour: int | None
) -> None:
    """Limit what an integration asks of its source; None is no limit of ours.

    It holds for what is begun from now on, also of what workers were told of already. In the scope
    of the integration's tenant.
    """
    _check("steps at once", max_parallel, MOST_PARALLEL)
    _check("requests an hour", requests_per_hour, MOST_REQUESTS)
    with transaction.atomic():
        rows = Integration.objects.filter(pk=integration.pk)
        rows.update(max_parallel=max_parallel, requests_per_hour=requests_per_hour)
        if requests_per_hour != integration.requests_per_hour:
            forget_count(integration.pk)
        _take_hints_back(integration)
        wake_relay()
    integration.max_parallel, integration.requests_per_hour = max_parallel, requests_per_hour


def _take_hints_back(integration: Integration) -> None:
    """Have its extract steps dispatched anew, no more of them than the limit lets through."""
    QueueEntry.objects.filter(
        integration_id=integration.pk, stage=Stage.EXTRACT, state=QueueEntry.State.QUEUED
    ).update(dispatched_at=None)


def _check(what: str, value: int | None, most: int) -> None:
    if value is not None and not 1 <= value <= most:
        raise UsageError(f"{what}: give a number from 1 to {most:,}, or nothing for no limit")
