"""Compares what is loaded with the sandbox's ledger, row by row and value by value."""

import json
import re
from collections.abc import Collection
from datetime import datetime
from typing import Any

import msgspec

from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.live.served import Served
from tests.path.working import exported
from warehouse.counts import live_counts
from warehouse.tables import BY_NAME

# The ledger's name of a table → that of its export, and the export's columns that name a row.
EXPORTED = {
    "work_items": ("work_items", ("source_id",)),
    "work_item_changelogs": (
        "changelogs",
        ("work_item_source_id", "source_id", "position"),
    ),
    "sprints": ("sprints", ("source_id",)),
    "pull_requests": ("pull_requests", ("source_id",)),
    "pull_request_commits": ("commits", ("repository", "pull_request_number", "sha")),
    "reviews": ("reviews", ("source_id",)),
    "comments": ("comments", ("kind", "source_id")),
    "deployments": ("deployments", ("source_id",)),
    "workflow_runs": ("workflow_runs", ("source_id",)),
}
_TIME = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$")


def differences(
    served: Served,
    tenant: str = "acme",
    providers: str = "jira github",
    part: str = "",
    kept: Collection[str] = (),
) -> list[str]:
    """Return what differs between the ledger and what is loaded, at most some of each table.

    part: a project's key or a repository's name, if only what is of it was to be loaded; tables
    that do not say what their rows are of are passed over. kept: tables in which rows of what is
    gone may stay, beside all those of the ledger.
    """
    found = [] if part else _counts(served, tenant, providers, kept)
    for table, (export, key) in EXPORTED.items():
        if _provider(table) in providers and not (part and table == "sprints"):
            loaded = {_key(row, key): row for row in exported(export, tenant)}
            ledger = {_key(row, key): row for row in served.rows(table) if _is_of(part, row)}
            if table in kept:
                loaded = {name: row for name, row in loaded.items() if name in ledger}
            found += _rows(table, loaded, ledger)
    return found


def _is_of(part: str, row: dict[str, Any]) -> bool:
    """Tell whether a row of the ledger belongs to a part; everything does to the empty one."""
    project = row.get("work_item_key", row.get("key", "")).rpartition("-")[0]
    return part in ("", project, row.get("repository"))


def _provider(table: str) -> str:
    jira = ("projects", "wits", "statuses", "sprints", "work_items", "work_item_changelogs")
    return "jira" if table in jira else "github"


def _counts(served: Served, tenant: str, providers: str, kept: Collection[str]) -> list[str]:
    ledger = {
        table: count for table, count in served.ledger().items() if _provider(table) in providers
    }
    with tenant_scope(Tenant.objects.get(slug=tenant).pk):
        loaded = live_counts(ledger)
    return [
        f"{table}: {loaded[table]} loaded, {count} in the ledger"
        for table, count in ledger.items()
        if loaded[table] != count and not (table in kept and loaded[table] > count)
    ]


def _rows(
    table: str, loaded: dict[str, dict[str, Any]], ledger: dict[str, dict[str, Any]]
) -> list[str]:
    found = [f"{table} {key} is not loaded" for key in sorted(ledger.keys() - loaded.keys())[:5]]
    found += [f"{table} {key} is not there" for key in sorted(loaded.keys() - ledger.keys())[:5]]
    for key in sorted(ledger.keys() & loaded.keys()):
        ours, theirs = loaded[key], ledger[key]
        for name in theirs.keys() & ours.keys():
            if _plain(ours[name]) != _plain(theirs[name]):
                found.append(f"{table} {key}.{name}: {ours[name]!r}, not {theirs[name]!r}")
        if len(found) > 20:
            break
    return found[:20]


def _key(row: dict[str, Any], names: tuple[str, ...]) -> str:
    return " ".join(str(row[name]) for name in names)


def _plain(value: Any) -> Any:
    """Return a value as JSON has it, but for instants, which are compared as such."""
    if isinstance(value, datetime):
        return value
    plain = json.loads(msgspec.json.encode(value))
    if isinstance(plain, str) and _TIME.match(plain):
        return datetime.fromisoformat(plain)
    return plain


def changed_seqs(tenant: str = "acme") -> dict[str, list[int]]:
    """Return the change numbers of all rows of every loaded table."""
    with tenant_scope(Tenant.objects.get(slug=tenant).pk):
        return {
            name: sorted(table.model._default_manager.values_list("changed_seq", flat=True))
            for name, table in BY_NAME.items()
        }


def covered_differences(
    served: Served, projects: Collection[str], tenant: str = "acme"
) -> list[str]:
    """Return what differs in the work items of some projects, by their keys, and their changes."""
    items = [row for row in served.rows("work_items") if row["project_key"] in projects]
    ids = {row["source_id"] for row in items}
    changes = [
        row for row in served.rows("work_item_changelogs") if row["work_item_source_id"] in ids
    ]
    found: list[str] = []
    for table, rows in (("work_items", items), ("work_item_changelogs", changes)):
        export, key = EXPORTED[table]
        loaded = {_key(row, key): row for row in exported(export, tenant)}
        found += _rows(table, loaded, {_key(row, key): row for row in rows})
    return found


def tombstones(table: str = "work_items", tenant: str = "acme") -> dict[str, str]:
    """Return why rows of a table are gone, by their source ids."""
    with tenant_scope(Tenant.objects.get(slug=tenant).pk):
        gone = BY_NAME[table].model._default_manager.exclude(deleted_at=None)
        return dict(gone.values_list("source_id", "deleted_reason"))
