"""The census: what is still at the source, compared with what is loaded once all is loaded."""

from collections.abc import Sequence

from django.db import transaction

from common.errors import PermanentError, UsageError
from integrations.contract import Seen
from integrations.models import CensusPage, Integration
from integrations.registry import connector_for
from jobs import retries
from jobs.asks import ask_steps, live_source
from jobs.models import QueueEntry, Stage
from jobs.queue import Counts, NewStep, complete
from warehouse.census import difference


def note(step: QueueEntry, seen: Sequence[Seen]) -> list[NewStep]:
    """Keep the ids that an ask found, and return the steps that compare what is complete."""
    CensusPage.objects.bulk_create(
        CensusPage(
            tenant_id=step.tenant_id,
            run_id=step.run_id,
            table=each.table,
            part=each.part,
            ids=each.ids,
        )
        for each in seen
    )
    return [
        NewStep(
            stage=Stage.EXTRACT,
            stream=step.stream,
            key=f"{step.params['phase']}:compare:{each.table}:{each.part}",
            params={
                "compare": {"table": each.table, "part": each.part},
                "phase": step.params["phase"],
            },
        )
        for each in seen
        if each.is_last
    ]


def compare_step(step: QueueEntry) -> None:
    """Compare a complete census of a part with what is loaded; ask about the difference."""
    table, part = step.params["compare"]["table"], step.params["compare"]["part"]
    pages = CensusPage.objects.filter(run_id=step.run_id, table=table, part=part)
    ids = (each for page in pages.values_list("ids", flat=True).iterator() for each in page)
    found = difference(step.tenant_id, step.integration_id, table, part, ids)
    integration: Integration = Integration.objects.get(pk=step.integration_id)
    live = live_source(step.run, integration)
    try:
        asks = connector_for(integration.provider).reconcile(found, live)
    except UsageError as error:
        raise PermanentError(str(error)) from error
    with transaction.atomic():
        if found.missing or found.extra:
            told = (
                f"census of {table} {part}: {len(found.missing):,} not loaded yet, "
                f"{len(found.extra):,} not found at the source"
            )
            retries.log_line(step.tenant_id, step.run_id, told)
        pages.delete()
        complete(step, Counts(), ask_steps(asks, step.params["phase"]))
