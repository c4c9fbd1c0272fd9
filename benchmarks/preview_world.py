"""A tenant with a million work items and their histories, made inside the database."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

PROJECTS: Final = 200
TYPES: Final = ("Story", "Task", "Bug", "Epic", "Sub-task")
STATUSES: Final = (
    ("To Do", "new"),
    ("In Progress", "indeterminate"),
    ("Blocked", "indeterminate"),
    ("In Review", "indeterminate"),
    ("Done", "done"),
)
ONE_IN_BLOCKED: Final = 20
"""One item in so many was ever blocked: 5 %."""

_LOADED: Final = "raw_page_id, raw_position, fetched_at, digest, fingerprint, changed_seq"
_LINEAGE: Final = "1, 0, now(), 1, 1, 1"

# Each item's status changes: (order, from, to, whose).
_WALK: Final = (
    "(1, '1', '2', true), (2, '2', '3', n % {one_in} = 0), (3, '3', '2', n % {one_in} = 0),"
    " (4, '2', '4', true), (5, '4', '5', n % 10 < 7)"
)
_CREATED: Final = "timestamptz '2025-01-01 UTC' + (n % 500) * interval '1 day'"


def fill(items: int, tell: Callable[[str], None]) -> tuple[int, int]:
    """Migrate the database of the settings and fill it; return tenant and integration."""
    setup()
    from django.core.management import call_command

    from integrations.models import Integration
    from mappings.seeds import apply_presets, seed_tenant
    from tenants.models import Tenant
    from tenants.scope import tenant_scope

    call_command("migrate", verbosity=0)
    tenant = Tenant.objects.create(name="Bench", slug="bench")
    with tenant_scope(tenant.pk):
        seed_tenant(tenant.pk)
        integration = Integration.objects.create(tenant=tenant, provider="jira", name="jira")
        owner = f"{tenant.pk}, {integration.pk}"
        describe(owner)
        apply_presets(integration)
        occur(tenant.pk, integration.pk)
        tell(f"{items:,} work items …")
        _items(owner, items)
        tell("their histories …")
        _histories(owner, items)
        run("VACUUM ANALYZE")
        tell("their metrics …")
        _metrics(tenant.pk, integration.pk, items)
        run("VACUUM ANALYZE")
    return tenant.pk, integration.pk


def setup() -> None:
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "etl_project.settings")
    import django

    django.setup()


def run(sql: str) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(sql)


def describe(owner: str) -> None:
    """Projects, types and statuses as the source describes them."""
    run(
        f"INSERT INTO projects (tenant_id, integration_id, {_LOADED}, source_id, key, name,"
        f" authority) SELECT {owner}, {_LINEAGE}, n::text, 'P' || n, 'Project ' || n, 2"
        f" FROM generate_series(0, {PROJECTS - 1}) n"
    )
    for number, name in enumerate(TYPES):
        level = {"Epic": 1, "Sub-task": -1}.get(name, 0)
        run(
            f"INSERT INTO wits (tenant_id, integration_id, {_LOADED}, source_id, name, level,"
            f" authority) VALUES ({owner}, {_LINEAGE}, '{number}', '{name}', {level}, 2)"
        )
    for number, (name, category) in enumerate(STATUSES, start=1):
        run(
            f"INSERT INTO statuses (tenant_id, integration_id, {_LOADED}, source_id, name,"
            f" category, authority) VALUES ({owner}, {_LINEAGE}, '{number}', '{name}',"
            f" '{category}', 2)"
        )


def occur(tenant_id: int, integration_id: int) -> None:
    """Every type in every project, every status on each."""
    from mappings.resolve import resolve

    owner = f"{tenant_id}, {integration_id}"
    pairs = (
        f"generate_series(0, {PROJECTS - 1}) p CROSS JOIN generate_series(0, {len(TYPES) - 1}) t"
    )
    run(
        "INSERT INTO wit_resolutions (tenant_id, integration_id, project_source_id,"
        f" type_source_id) SELECT {owner}, p::text, t::text FROM {pairs}"
    )
    run(
        "INSERT INTO status_resolutions (tenant_id, integration_id, project_source_id,"
        f" type_source_id, status_source_id) SELECT {owner}, p::text, t::text, s::text"
        f" FROM {pairs} CROSS JOIN generate_series(1, {len(STATUSES)}) s"
    )
    resolve(tenant_id, integration_id, {str(n): f"P{n}" for n in range(PROJECTS)})


def _items(owner: str, items: int) -> None:
    run(
        f"INSERT INTO work_items (tenant_id, integration_id, {_LOADED}, source_id, key,"
        " project_source_id, project_key, type_source_id, source_type, status_source_id,"
        " source_status, title, labels, sprint_source_ids, custom_fields, created_at, updated_at,"
        " history_complete, all_changes_loaded, wit_resolution_id, status_resolution_id)"
        f" SELECT {owner}, {_LINEAGE}, n::text, 'P' || p || '-' || n, p::text, 'P' || p,"
        " t::text, 'type', s, 'status', 'Work item ' || n || repeat(' of some length', 6),"
        " '[]', '[]', '{}',"
        f" {_CREATED}, {_CREATED}, true, true, w.id, r.id"
        f" FROM (SELECT n, n % {PROJECTS} AS p, n / {PROJECTS} % {len(TYPES)} AS t,"
        " CASE WHEN n % 10 < 7 THEN '5' ELSE '4' END AS s"
        f" FROM generate_series(1, {items}) n) i"
        " JOIN wit_resolutions w ON w.project_source_id = p::text AND w.type_source_id = t::text"
        " JOIN status_resolutions r ON r.project_source_id = p::text"
        " AND r.type_source_id = t::text AND r.status_source_id = s"
    )


def _histories(owner: str, items: int) -> None:
    columns = (
        "tenant_id, integration_id, work_item_source_id, source_id, position, field, is_status,"
        " from_value, to_value, changed_at, raw_page_id, raw_position, changed_seq"
    )
    walk = _WALK.format(one_in=ONE_IN_BLOCKED)
    run(
        f"INSERT INTO work_item_changelogs ({columns}) SELECT {owner}, n::text,"
        " (n::bigint * 10 + o)::text, 0, 'status', true, f, t,"
        f" {_CREATED} + o * (n % 97 + 1) * interval '1 hour', 1, 0, 1"
        f" FROM generate_series(1, {items}) n"
        f" CROSS JOIN LATERAL (VALUES {walk}) v (o, f, t, is_whose) WHERE is_whose"
    )
    run(
        f"INSERT INTO work_item_changelogs ({columns}) SELECT {owner}, n::text,"
        " (n::bigint * 10 + o)::text, 0, 'assignee', false, 'a', 'b',"
        f" {_CREATED} + o * interval '1 hour', 1, 0, 1"
        f" FROM generate_series(1, {items}) n CROSS JOIN generate_series(6, 8) o"
    )


def _metrics(tenant_id: int, integration_id: int, items: int) -> None:
    from warehouse.flow import recompute

    for first in range(0, items, 50_000):
        place = f"id > {first} AND id <= {first + 50_000}"
        recompute(tenant_id, integration_id, place, (), 1)
