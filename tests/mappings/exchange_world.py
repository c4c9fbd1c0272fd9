"""A tenant with rules of every kind, and what files do to them."""

import csv
import io
from collections.abc import Mapping
from typing import Any

from integrations.models import Integration
from mappings.book import Book, read_book
from mappings.editing import Author, apply
from mappings.exchange.plan import Plan, plan_import
from mappings.exchange.tables import TABLES
from mappings.exchange.writing import csv_of
from mappings.models import ChangeSet, CustomFieldMapping
from mappings.seeds import apply_presets, seed_tenant
from tenants.models import Tenant
from tenants.scope import tenant_scope

AUTHOR = Author(None, "test")


class Ruled:
    """A tenant with the default levels and workflow, and an integration with starter rules."""

    def __init__(self, slug: str, integration: str = "jira") -> None:
        self.tenant = Tenant.objects.create(name=slug, slug=slug)
        with self.scope():
            seed_tenant(self.tenant.pk)
            self.integration = Integration.objects.create(
                tenant=self.tenant, provider="jira", name=integration
            )
            apply_presets(self.integration)
            CustomFieldMapping.objects.create(
                tenant=self.tenant,
                integration=self.integration,
                field_source_id="customfield_10016",
                target="story_points",
            )

    def scope(self) -> Any:
        return tenant_scope(self.tenant.pk)

    def export(self, slug: str, *, has_mark: bool = False) -> str:
        """A table as CSV."""
        with self.scope():
            return "".join(csv_of(TABLES[slug], self.tenant.pk, has_mark=has_mark))

    def plan(self, slug: str, data: str | bytes, *, is_replacing: bool = False) -> Plan:
        """What a file would do."""
        content = data.encode() if isinstance(data, str) else data
        with self.scope():
            return plan_import(TABLES[slug], self.tenant.pk, content, is_replacing=is_replacing)

    def bring_in(
        self, slug: str, data: str | bytes, *, is_replacing: bool = False
    ) -> ChangeSet | None:
        """Import a file."""
        plan = self.plan(slug, data, is_replacing=is_replacing)
        with self.scope():
            return apply(
                self.tenant.pk,
                plan.edit,
                author=AUTHOR,
                origin=ChangeSet.Origin.IMPORT,
                summary=plan.summary,
            )

    def book(self) -> Mapping[str, Mapping[int, Any]]:
        """All rules."""
        with self.scope():
            found: Book = read_book(self.tenant.pk)
            return found.rows


def complaints(plan: Plan) -> list[tuple[int, str, str]]:
    """What is wrong, by row and column."""
    return [(each.row, each.column, each.message) for each in plan.problems]


def table(*rows: tuple[object, ...]) -> str:
    """Rows as CSV, the header first."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue()
