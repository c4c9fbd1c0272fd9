"""Loads a batch of staged pages of one integration into the warehouse, in one transaction."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db import connection

from common.errors import PermanentError
from integrations.models import Integration
from mappings.resolve import resolve
from warehouse.histories import CHANGES, ITEMS
from warehouse.load_pull_requests import COMMITS, MENTIONS, PULLS, merge_mentions, place_commits
from warehouse.load_work_items import merge_work_items, project_keys
from warehouse.merge import Batch, merge
from warehouse.models import StagedPage, TenantCounter
from warehouse.remap import remap
from warehouse.renames import Renames
from warehouse.stage_tables import fill, staging_tables
from warehouse.staging import decode_page
from warehouse.tables import TABLES, Table
from warehouse.vanished import remove_vanished

_GROUPS = ((ITEMS, CHANGES), (PULLS, COMMITS, MENTIONS))
"""Tables that are merged together: if one of a group is staged, all have a staging table."""

_WITH_PARENT = (ITEMS, CHANGES, MENTIONS)
_RULES_READ = ("projects", "wits", "statuses")
"""What the rules are matched against."""


@dataclass(frozen=True)
class Loaded:
    """What a load did. record_count: staged items; row_count: rows inserted, changed, removed."""

    record_count: int
    row_count: int


def load_pages(tenant_id: int, integration_id: int, pages: Sequence[StagedPage]) -> Loaded:
    """Merge staged pages and remove them; to be called inside a transaction."""
    assert connection.in_atomic_block
    blocks = _blocks_by_table(pages)
    tables = [table for table in TABLES if table.name in blocks]
    with staging_tables(tables):
        for table in tables:
            fill(table, blocks.pop(table.name))
        counter = lock_counter(tenant_id, integration_id)
        batch = Batch(tenant_id, integration_id, counter.changed_seq)
        written = _merge_all(batch, tables)
        counter.changed_seq = batch.changed_seq
        counter.save(update_fields=["changed_seq"])
    StagedPage.objects.filter(pk__in=[page.pk for page in pages]).delete()
    return Loaded(sum(page.item_count for page in pages), written)


def lock_counter(tenant_id: int, integration_id: int) -> TenantCounter:
    """Lock the tenant's counter to the end of the transaction; prove that the integration is its.

    It is a PermanentError if the integration is gone or another tenant's.
    """
    TenantCounter.objects.get_or_create(tenant_id=tenant_id)
    counter: TenantCounter = TenantCounter.objects.select_for_update().get(tenant_id=tenant_id)
    if not Integration.objects.filter(pk=integration_id, tenant_id=tenant_id).exists():
        raise PermanentError(f"integration {integration_id} does not exist")
    return counter


def _blocks_by_table(pages: Sequence[StagedPage]) -> dict[str, list[bytes]]:
    blocks: dict[str, list[bytes]] = {}
    for page in pages:
        for name, block in decode_page(page.body).items():
            blocks.setdefault(name, []).append(block)
    for group in _GROUPS:
        if any(table.name in blocks for table in group):
            for table in group:
                blocks.setdefault(table.name, [])
    return blocks


def _merge_all(batch: Batch, tables: list[Table]) -> int:
    named = Renames(batch, tables).apply(tables) if _may_be_renamed(tables) else {}
    counts = {
        table.name: merge(table, batch, named if table.is_in_repository else None)
        for table in tables
        if table not in _WITH_PARENT
    }
    written = sum(counts.values())
    changed = None
    # With every load of work items, too: a rule may have been edited since the last.
    if ITEMS in tables or any(counts.get(name) for name in _RULES_READ):
        changed = resolve(batch.tenant_id, batch.integration_id, project_keys(batch))
    if ITEMS in tables:
        written += merge_work_items(batch)
    if MENTIONS in tables:
        written += merge_mentions(batch, named)
    written += remove_vanished(batch, tables)
    if MENTIONS in tables:
        place_commits(batch)
    if changed:
        remap(batch, changed)
    return written


def _may_be_renamed(tables: Iterable[Table]) -> bool:
    return any(table.is_in_repository or table.name == "repositories" for table in tables)
