"""A tenant whose Jira has been imported, and whose rules leave some of it unmapped."""

import json
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from django.contrib.auth.models import User

from integrations.models import Integration
from mappings.book import delete_rows
from mappings.editing import Author, apply
from mappings.inbox import Entry, Kind, read_inbox
from mappings.models import ChangeSet, StatusMapping, WitMapping
from tenants.models import Membership, Role, Tenant
from tenants.scope import tenant_scope
from tests.conftest import OWN
from tests.path.working import load

AUTHOR = Author(None, "test")


class Imported:
    """One tenant, its people by role, and its integration `jira`, imported once."""

    def __init__(self, slug: str, directory: Path) -> None:
        load(directory, tenant=slug)
        self.tenant = Tenant.objects.get(slug=slug)
        self.people: dict[str, User] = {}
        with self.scope():
            self.integration = Integration.objects.get(provider="jira")
            for role in Role:
                user = User.objects.create(username=f"{slug}-{role.value}")
                Membership.objects.create(tenant=self.tenant, user=user, role=role)
                self.people[role.value] = user

    def scope(self) -> Any:
        return tenant_scope(self.tenant.pk)

    def entries(self) -> dict[str, Entry]:
        """What is in the inbox, by "kind name"."""
        with self.scope():
            found = read_inbox(self.tenant.pk, Integration.objects.all(), list(Kind))
            return {f"{entry.kind} {entry.name}": entry for entry in found.entries}

    def edit(self, edit: Callable[[], object]) -> ChangeSet | None:
        """Edit the rules."""
        with self.scope():
            return apply(
                self.tenant.pk, edit, author=AUTHOR, origin=ChangeSet.Origin.FORM, large=10**9
            )

    def forget(
        self, *, types: Iterable[str] = (), levels: Iterable[int] = (), categories: bool = False
    ) -> None:
        """Delete rules for these type names and source levels, and all by source category."""

        def delete() -> None:
            rules = WitMapping.objects.filter(from_name__in=list(types))
            by_level = WitMapping.objects.filter(from_level__in=list(levels))
            ids = [*rules.values_list("pk", flat=True), *by_level.values_list("pk", flat=True)]
            delete_rows(WitMapping, self.tenant.pk, ids)
            if categories:
                found = StatusMapping.objects.exclude(from_category="")
                delete_rows(StatusMapping, self.tenant.pk, list(found.values_list("pk", flat=True)))

        self.edit(delete)


def jira_only(target: Path) -> Path:
    """Copy the Jira part of the own recording; return its directory."""
    shutil.copytree(OWN / "jira", target / "jira")
    return target


def rewrite(directory: Path, stream: str, change: Callable[[dict[str, Any]], None]) -> None:
    """Change every record of a stream of the recording."""
    path = directory / "jira" / f"{stream}.jsonl"
    records = [json.loads(line) for line in path.read_text().splitlines()]
    for record in records:
        change(record)
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
