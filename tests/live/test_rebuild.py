"""The raw pages of live runs are enough: every table is rebuilt from them with the source gone."""

import socket
from typing import Any

import pytest
from django.db import connection

from jobs.models import JobRun
from jobs.retransform import start_retransform
from tenants.models import Tenant
from tests.live.comparing import differences
from tests.live.running import finish, sync, told
from tests.live.served import Served
from tests.live.striking import SMALL_PAGES, small_world
from tests.path.working import exported, hashes
from warehouse.tables import BY_NAME, TABLES

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("provider", ["jira", "github"])
def test_what_runs_have_loaded_is_rebuilt_from_raw_pages_without_a_network(
    provider: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with small_world(provider) as source:
        integration = source.connect(provider, settings=SMALL_PAGES[provider])
        assert sync(integration).state == JobRun.State.COMPLETED
        source.mutate(*changes(source, provider))
        run = sync(integration)
        assert run.state == JobRun.State.COMPLETED, told(run)
        assert differences(source, providers=provider) == []
    loaded, buried = hashes(), tombstones()
    assert buried
    monkeypatch.setattr(socket, "socket", no_network)
    with connection.cursor() as cursor:
        for table in TABLES:
            cursor.execute(f"DELETE FROM {table.model._meta.db_table}")
    assert hashes() != loaded
    (rebuilt,) = finish(*start_retransform(Tenant.objects.get(slug="acme")))
    assert rebuilt.state == JobRun.State.COMPLETED, told(rebuilt)
    assert hashes() == loaded
    assert tombstones() == buried
    assert exported("work_items" if provider == "jira" else "pull_requests")


def changes(source: Served, provider: str) -> list[dict[str, Any]]:
    """Return edits, and what takes something away."""
    edits: dict[str, Any] = {"op": f"{provider}.edit", "count": 5}
    if provider == "jira":
        return [edits, {"op": "jira.delete", "count": 3}, {"op": "jira.create", "count": 2}]
    gone = source.rows("repositories")[0]["full_name"]
    return [edits, {"op": "github.delete", "repo": gone}]


def tombstones() -> list[tuple[str, str, str]]:
    """Return table, id and reason of every row that is gone."""
    found = []
    with connection.cursor() as cursor:
        for table in BY_NAME.values():
            if table.has_tombstone:
                name = table.model._meta.db_table
                cursor.execute(
                    f"SELECT source_id, deleted_reason FROM {name} WHERE deleted_at IS NOT NULL"
                )
                found += [(name, *row) for row in cursor.fetchall()]
    return sorted(found)


def no_network(*args: object, **options: object) -> None:
    raise AssertionError("nothing may be fetched")
