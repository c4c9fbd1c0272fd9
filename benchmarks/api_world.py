"""A tenant with a million work items, and another beside it, as readers of the API meet them."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

import preview_world as world

OTHERS: Final = 10
"""The other tenant has one work item for so many."""
PEOPLE: Final = 500
_CREATED: Final = "timestamptz '2023-01-01 UTC' + n * interval '97 seconds'"


@dataclass(frozen=True)
class Reader:
    """Who reads. token: an API token. tenant_id: whose work items are read."""

    token: str
    tenant_id: int


def reader() -> Reader | None:
    """Return who may read what an earlier run has left, if it has."""
    world.setup()
    from django.db import connection

    if "work_items" not in connection.introspection.table_names():
        return None
    from tenants.models import Tenant

    tenant = Tenant.objects.filter(slug="bench").first()
    return None if tenant is None else Reader(_token(tenant.pk), tenant.pk)


def fill(items: int, tell: Callable[[str], None]) -> Reader:
    """Migrate the database of the settings and fill it; return who may read the larger tenant."""
    world.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    tell(f"{items // OTHERS:,} work items of another tenant …")
    _tenant("other", items // OTHERS, 0)
    tell(f"{items:,} work items and their changes …")
    tenant_id = _tenant("bench", items, 7)
    world.run("VACUUM ANALYZE")
    return Reader(_token(tenant_id), tenant_id)


def _tenant(slug: str, items: int, seed: int) -> int:
    from integrations.models import Integration
    from mappings.seeds import apply_presets, seed_tenant
    from tenants.models import Tenant
    from tenants.scope import tenant_scope
    from warehouse.models import TenantCounter

    tenant = Tenant.objects.create(name=slug.title(), slug=slug)
    with tenant_scope(tenant.pk):
        seed_tenant(tenant.pk)
        integration = Integration.objects.create(tenant=tenant, provider="jira", name="jira")
        owner = f"{tenant.pk}, {integration.pk}"
        world.describe(owner)
        apply_presets(integration)
        world.occur(tenant.pk, integration.pk)
        world.run("ANALYZE wit_resolutions, status_resolutions")
        _items(tenant.pk, owner, items, seed)
        _changes(owner, items)
        TenantCounter.objects.update_or_create(tenant=tenant, defaults={"changed_seq": 3 * items})
    return int(tenant.pk)


def _items(tenant_id: int, owner: str, items: int, seed: int) -> None:
    """Work items in a random order of their last changes; seven in ten are done."""
    done = "CASE WHEN s = '5' THEN {} END"
    begun, taken = f"{_CREATED} + n % 19 * interval '1 day'", "n % 23 * 7200.0"
    world.run(
        "INSERT INTO work_items (tenant_id, integration_id, raw_page_id, raw_position, fetched_at,"
        " digest, fingerprint, changed_seq, source_id, key,"
        " project_source_id, project_key, type_source_id, source_type, status_source_id,"
        " source_status, title, description, labels, sprint_source_ids, custom_fields, created_at,"
        " updated_at, history_complete, all_changes_loaded, wit_resolution_id,"
        " status_resolution_id, assignee_source_id, committed_at, started_at, done_at,"
        " lead_time_seconds, cycle_time_seconds)"
        f" SELECT {owner}, 1, 0, now(), n, 1, ROW_NUMBER() OVER (ORDER BY md5((n + {seed})::text)),"
        " n::text, 'P' || p || '-' || n, p::text, 'P' || p, t::text, types[t + 1], s,"
        " states[s::int], 'Work item ' || n || repeat(' of some length', 6),"
        " repeat('What is to be done, at some length. ', 20),"
        " '[]', '[]', '{\"customfield_1\": 5}',"
        f" {_CREATED}, {_CREATED} + n % 1009 * interval '1 hour', true, true, w.id, r.id,"
        f" 'person-' || n % {PEOPLE}, {begun}, {begun} + interval '1 day',"
        f" {done.format(f'{begun} + n % 31 * interval {chr(39)}1 day{chr(39)}')},"
        f" {done.format(taken + ' + 86400')}, {done.format(taken)}"
        f" FROM (SELECT n, n % {world.PROJECTS} AS p, n / {world.PROJECTS} % {len(world.TYPES)}"
        " AS t, CASE WHEN n % 10 < 7 THEN '5' ELSE (n % 4 + 1)::text END AS s,"
        f" ARRAY[{_texts(world.TYPES)}] AS types,"
        f" ARRAY[{_texts(name for name, _ in world.STATUSES)}] AS states"
        f" FROM generate_series(1, {items}) n) i"
        f" JOIN wit_resolutions w ON w.tenant_id = {tenant_id} AND w.project_source_id = p::text"
        " AND w.type_source_id = t::text"
        f" JOIN status_resolutions r ON r.tenant_id = {tenant_id}"
        " AND r.project_source_id = p::text AND r.type_source_id = t::text"
        " AND r.status_source_id = s"
    )


def _changes(owner: str, items: int) -> None:
    """Two changes of each item's status."""
    world.run(
        "INSERT INTO work_item_changelogs (tenant_id, integration_id, work_item_source_id,"
        " source_id, position, field, is_status, from_value, to_value, from_text, to_text,"
        " changed_at, raw_page_id, raw_position, changed_seq)"
        f" SELECT {owner}, n::text, (n::bigint * 10 + o)::text, 0, 'status', true, o::text,"
        f" (o + 1)::text, 'before', 'after', {_CREATED} + o * interval '1 day', 1, 0,"
        f" {items} + (n::bigint * 2 + o - 2)"
        f" FROM generate_series(1, {items}) n CROSS JOIN generate_series(1, 2) o"
    )


def _texts(names: Iterable[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)


def _token(tenant_id: int) -> str:
    """Return a new API token of a viewer."""
    from datetime import timedelta

    from django.contrib.auth.models import User
    from django.utils import timezone

    from tenants.api_tokens import make
    from tenants.models import Membership, Role, Tenant
    from tenants.permissions import access_for
    from tenants.scope import tenant_scope

    user, is_new = User.objects.get_or_create(username="reader")
    with tenant_scope(tenant_id):
        if is_new:
            Membership.objects.create(tenant_id=tenant_id, user=user, role=Role.VIEWER)
        access = access_for(user)
        assert access is not None
        tenant = Tenant.objects.get(pk=tenant_id)
        _, text = make(access, tenant, "bench", ["read"], timezone.now() + timedelta(days=1))
    return text
