"""A rule that somebody edited holds from the next load on, also where nothing else changed."""

import pytest

from jobs.retransform import start_retransform
from mappings.models import StatusMapping, WitMapping
from tenants.models import Tenant
from tenants.scope import every_tenant
from tests.conftest import OWN
from tests.path.working import exported, finish, hashes, load

pytestmark = pytest.mark.django_db(transaction=True)


def retransform() -> None:
    finish(start_retransform(Tenant.objects.get(slug="acme"), "jira", "issues"))


def test_a_retransform_brings_edited_rules_to_what_is_loaded() -> None:
    load(OWN)
    first = hashes()
    with every_tenant("test"):
        types = WitMapping.objects.filter(from_name="bug")
        statuses = StatusMapping.objects.filter(from_category="indeterminate")
        assert types.update(is_active=False) == 1
        assert statuses.update(is_active=False) == 1
    retransform()
    items = exported("work_items")
    assert {item["type"] for item in items if item["source_type"] == "Bug"} == {"Story"}
    started = [item for item in items if item["source_status"] == "In Progress"]
    assert started
    assert {item["status"] for item in started} == {None}
    assert {item["cycle_time_seconds"] for item in items} == {None}
    with every_tenant("test"):
        types.update(is_active=True)
        statuses.update(is_active=True)
    retransform()
    assert hashes() == first
