"""Loads drafts as if a page of a source had given them, and tells what is loaded then."""

import itertools
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from django.db import connection, transaction

from common.digest import record_digest
from integrations.contract import Draft
from integrations.models import Integration, RawPage
from mappings.models import StatusMapping
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.warehouse.flow_world import new_tenant
from warehouse.export import columns_of, rows_of, tenant_hashes
from warehouse.load import Loaded, load_pages
from warehouse.models import StagedPage
from warehouse.staging import StagedRows, format_row
from warehouse.tables import TABLES

START = datetime(2026, 1, 1, tzinfo=UTC)
_numbers = count(1)


def day(number: float) -> datetime:
    return START + timedelta(days=number)


@dataclass(frozen=True)
class Given:
    """A page that a source gave: its records, each as drafts of which the first is the main one."""

    records: Sequence[Sequence[Draft]]
    fetched_at: datetime
    page_id: int = field(default_factory=lambda: next(_numbers))


def given(*records: Sequence[Draft], on: float = 0) -> Given:
    """Return a page of these records, fetched on a day of the test."""
    return Given(records, day(on))


def orders_of(pages: Sequence[Given]) -> list[tuple[Given, ...]]:
    """Return pages in every order, or in some of them where a load takes long or there are many."""
    every = list(itertools.permutations(pages))
    most = 4 if connection.vendor == "postgresql" else 20
    return random.Random(1).sample(every, min(len(every), most))


@dataclass
class Source:
    """An integration of a tenant, which pages are loaded into. All pages are of one run."""

    provider: str = "jira"
    tenant: Tenant = field(default_factory=new_tenant)
    integration: Integration = field(init=False)

    def __post_init__(self) -> None:
        with tenant_scope(self.tenant.pk):
            self.integration = Integration.objects.create(
                tenant=self.tenant, provider=self.provider, name="source"
            )

    def map_statuses(self, **categories: str) -> None:
        """Give statuses, by their names, a category."""
        with tenant_scope(self.tenant.pk):
            StatusMapping.objects.bulk_create(
                StatusMapping(tenant=self.tenant, from_name=name, target=name, category=category)
                for name, category in categories.items()
            )

    def load(self, *pages: Given, fingerprint: int = 1) -> Loaded:
        """Load pages in one batch."""
        with tenant_scope(self.tenant.pk), transaction.atomic():
            staged = [self._stage(page, fingerprint) for page in pages]
            return load_pages(self.tenant.pk, self.integration.pk, staged)

    def load_each(self, pages: Iterable[Given]) -> None:
        """Load pages one by one."""
        for page in pages:
            self.load(page)

    def _stage(self, page: Given, fingerprint: int) -> StagedPage:
        main = page.records[0][0].table
        raw = self._keep_raw(page, main)
        rows = StagedRows(main, raw.pk, raw.fetched_at, fingerprint)
        for position, drafts in enumerate(page.records):
            rows.add(list(drafts), position, record_digest(format_row(drafts[0]).encode()))
        staged: StagedPage = StagedPage.objects.create(
            tenant_id=self.tenant.pk,
            integration_id=self.integration.pk,
            run_id=1,
            stream=main,
            raw_page_id=raw.pk,
            body=rows.encode(),
            item_count=rows.item_count,
        )
        return staged

    def _keep_raw(self, page: Given, stream: str) -> RawPage:
        """Return the raw page, the same one each time; its body is of no interest here."""
        raw: RawPage
        raw, _ = RawPage.objects.get_or_create(
            tenant_id=self.tenant.pk,
            integration=self.integration,
            stream=stream,
            url_digest=str(page.page_id),
            defaults={"fetched_at": page.fetched_at, "body": b"", "body_size": 0},
        )
        return raw

    def exported(self, table: str) -> list[dict[str, Any]]:
        """Return the rows that `export` gives of a table."""
        names = [column.name for column in columns_of(table)]
        with tenant_scope(self.tenant.pk):
            return [dict(zip(names, row, strict=True)) for row in rows_of(table)]

    def hashes(self) -> dict[str, str]:
        """Return the hash of every exported table."""
        with tenant_scope(self.tenant.pk):
            return tenant_hashes()

    def changes_seen(self) -> dict[str, list[int]]:
        """Return the change numbers of all rows of every loaded table."""
        with tenant_scope(self.tenant.pk):
            return {
                table.name: sorted(
                    table.model._default_manager.values_list("changed_seq", flat=True)
                )
                for table in TABLES
            }
