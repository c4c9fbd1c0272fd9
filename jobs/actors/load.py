"""The load step: gathers staged pages of its run's stream and merges them."""

import logging

from django.conf import settings
from django.db import DatabaseError, DataError, IntegrityError, connection, transaction

from integrations.contract import Problem
from integrations.models import RawPage
from jobs import remap_steps
from jobs.actors.transform import load_when_due, quarantined
from jobs.control import stopping
from jobs.models import QueueEntry
from jobs.queue import Counts, complete
from warehouse.load import Loaded, load_pages
from warehouse.models import StagedPage

logger = logging.getLogger(__name__)

_MAX_BYTES = 24 * 1024 * 1024
"""Compressed size of what one load takes at most; keeps a worker's memory flat."""

_TOO_LARGE_FOR_AN_INDEX = "54"  # PostgreSQL's class of program limits


def run_load(step: QueueEntry) -> None:
    """Load up to LOAD_BATCH_ITEMS items; what is left over gets a load step of its own.

    If the database refuses a value, the pages are loaded one by one and only the page that holds
    it is set aside.
    """
    if remap_steps.is_of_mappings(step):
        remap_steps.switch(step)
        return
    try:
        with transaction.atomic():
            loaded = load_pages(step.tenant_id, step.integration_id, _gather(step))
            _complete(step, [loaded], 0)
    except DatabaseError as error:
        if not _is_refused_value(error):
            raise
        logger.warning("step %s: %s; its pages are loaded one by one", step.pk, error)
        with transaction.atomic():
            _complete(step, *_load_one_by_one(step))


def _complete(step: QueueEntry, loads: list[Loaded], set_aside: int) -> None:
    records = sum(loaded.record_count for loaded in loads)
    rows = sum(loaded.row_count for loaded in loads)
    complete(step, Counts(records=records, rows=rows, quarantined=set_aside))
    load_when_due(step)


def _is_refused_value(error: DatabaseError) -> bool:
    code = getattr(error.__cause__, "pgcode", None) or ""
    return isinstance(error, DataError | IntegrityError) or code.startswith(_TOO_LARGE_FOR_AN_INDEX)


def _load_one_by_one(step: QueueEntry) -> tuple[list[Loaded], int]:
    loads, set_aside = [], 0
    for page in _gather(step):
        try:
            with transaction.atomic():
                loads.append(load_pages(step.tenant_id, step.integration_id, [page]))
        except DatabaseError as error:
            if not _is_refused_value(error):
                raise
            _set_aside(step, page, error)
            set_aside += 1
    return loads, set_aside


def _set_aside(step: QueueEntry, staged: StagedPage, error: DatabaseError) -> None:
    page = RawPage.objects.get(pk=staged.raw_page_id)
    detail = f"the database refuses a value of this page: {str(error).splitlines()[0]}"
    problem = Problem(severity="record", reason="unloadable", detail=detail, position=0)
    quarantined(step, page, problem).save()
    staged.delete()


def _gather(step: QueueEntry) -> list[StagedPage]:
    """Lock and return pages that no other load has in hand."""
    waiting = StagedPage.objects.filter(run_id=step.run_id, stream=step.stream).order_by("id")
    if connection.features.has_select_for_update_skip_locked:
        waiting = waiting.select_for_update(skip_locked=True)
    pages: list[StagedPage] = []
    items = size = 0
    for page in waiting.iterator(chunk_size=20):
        stopping.check()
        if pages and (items >= settings.LOAD_BATCH_ITEMS or size >= _MAX_BYTES):
            break
        pages.append(page)
        items += page.item_count
        size += len(page.body)
    return pages
