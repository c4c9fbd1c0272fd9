"""The load step: gathers staged pages of its run's stream and merges them."""

from django.conf import settings
from django.db import connection, transaction

from jobs.actors.transform import load_when_due
from jobs.models import QueueEntry
from jobs.queue import Counts, complete
from warehouse.load import load_pages
from warehouse.models import StagedPage

_MAX_BYTES = 24 * 1024 * 1024
"""Compressed size of what one load takes at most; keeps a worker's memory flat."""


def run_load(step: QueueEntry) -> None:
    """Load up to LOAD_BATCH_ITEMS items; what is left over gets a load step of its own."""
    with transaction.atomic():
        pages = _gather(step)
        loaded = load_pages(step.tenant_id, step.integration_id, pages)
        complete(step, Counts(records=loaded.record_count, rows=loaded.row_count))
        load_when_due(step)


def _gather(step: QueueEntry) -> list[StagedPage]:
    """Lock and return pages that no other load has in hand."""
    waiting = StagedPage.objects.filter(run_id=step.run_id, stream=step.stream).order_by("id")
    if connection.features.has_select_for_update_skip_locked:
        waiting = waiting.select_for_update(skip_locked=True)
    pages: list[StagedPage] = []
    items = size = 0
    for page in waiting.iterator(chunk_size=20):
        if pages and (items >= settings.LOAD_BATCH_ITEMS or size >= _MAX_BYTES):
            break
        pages.append(page)
        items += page.item_count
        size += len(page.body)
    return pages
