"""Values that are not saved are tried against real servers, by every way to sign in."""

from typing import Any

import pytest

from common.errors import UsageError
from integrations.checking import discover, steps, unsaved
from integrations.models import Integration
from integrations.services import Connection
from sandbox.options import Options
from tenants.scope import tenant_scope
from tests.live.served import Served, served
from tests.live.test_auth import WAYS, WORLD, connected

pytestmark = pytest.mark.django_db(transaction=True)

NAMES = {
    "basic": ("user", "token"),
    "scoped": ("user", "token"),
    "oauth": ("client_id", "client_secret", "refresh_token"),
    "app": ("app_id", "installation_id", "private_key"),
}


def connection(source: Served, row: Integration, way: str) -> Connection:
    """What is given by hand where the integration is not there yet."""
    kind = {"basic": "api", "bearer": "personal", "ghes": "classic"}.get(way, way)
    given = source.accounts(row.provider, kind, "full")[0]
    return Connection(
        provider=row.provider,
        name="not-there",
        base_url=row.base_url,
        method=row.auth_method,
        credentials={name: given[name] for name in NAMES.get(way, ("token",))},
        settings={name: str(value) for name, value in row.settings.items()},
    )


@pytest.mark.parametrize("way", [way for way in WAYS if way != "oauth"])
def test_unsaved_values_are_tested_and_leave_nothing_behind(way: str) -> None:
    options = Options(mode="datacenter") if way == "bearer" else Options()
    with served(WORLD, options) as source:
        row = connected(source, way)
        with tenant_scope(row.tenant_id):
            before = list(Integration.objects.order_by("pk").values())
            trial = unsaved(row.tenant, None, connection(source, row, way))
            assert [each for each in steps(trial) if not each.is_ok] == []
            picks = "projects" if row.provider == "jira" else "repositories"
            assert discover(trial, picks).found
            assert list(Integration.objects.order_by("pk").values()) == before


def test_a_refresh_token_that_works_once_is_not_used_up_by_trying() -> None:
    with served(WORLD) as source:
        row = connected(source, "oauth")
        with tenant_scope(row.tenant_id):
            trial = unsaved(row.tenant, None, connection(source, row, "oauth"))
            (only,) = steps(trial)
            assert (only.is_ok, only.detail.endswith("save, then test")) == (False, True)
            assert "/jira/oauth/token" not in {each["path"] for each in source.entries()}
            kept = unsaved(row.tenant, row, Connection(provider="jira", name=row.name))
            assert kept.is_saved
            assert all(each.is_ok for each in steps(kept))


def test_kept_credentials_are_used_for_other_settings_at_the_same_address() -> None:
    with served(WORLD) as source:
        row = connected(source, "basic")
        with tenant_scope(row.tenant_id):
            other = Connection(provider="jira", name=row.name, settings={"projects": "NOPE"})
            trial = unsaved(row.tenant, row, other)
            assert not trial.is_saved
            *_, last = steps(trial)
            assert (last.step, last.is_ok) == ("see projects", False)
            assert row.settings.get("projects") != "NOPE"


@pytest.mark.parametrize(
    "changed",
    [
        {"base_url": "http://127.0.0.1:9"},
        {"settings": {"token_url": "http://127.0.0.1:9/"}},
        {"settings": {"gateway_url": "http://127.0.0.1:9/"}},
    ],
)
def test_kept_credentials_are_tried_nowhere_else(changed: dict[str, Any]) -> None:
    with served(WORLD) as source:
        row = connected(source, "basic")
        with tenant_scope(row.tenant_id), pytest.raises(UsageError, match="enter them again"):
            unsaved(row.tenant, row, Connection(provider="jira", name=row.name, **changed))
