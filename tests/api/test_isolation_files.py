"""A name of another tenant in a file of rules is answered like one that nobody has."""

from collections.abc import Mapping
from typing import Any, Final

import pytest
from rest_framework.test import APIClient

from integrations.models import Integration
from mappings.models import CustomField, WitHierarchy, Workflow, WorkflowStep
from tenants.scope import tenant_scope
from tests.admin.world import World
from tests.api.conftest import client_of
from tests.api.test_isolation import seen, tables_of

pytestmark = pytest.mark.django_db
HAS_EVERYTHING: Final = True


def files(ours: World, named: Mapping[str, str]) -> dict[str, str]:
    """Files of rules that are right but for a name. named: see `names_in`."""
    types = "integration,project,from name,from level,target,level,active\r\n"
    statuses = (
        "integration,project,type,from name,from category,target,category,workflow,step,active\r\n"
    )
    fields = "integration,field,field name,target,column,position,active\r\n"
    workflow, step = ours.row(Workflow).name, ours.row(WorkflowStep).name
    integration = ours.row(Integration).name
    return {
        "wit-mappings integration": (
            f"{types}{named['integration']},,chore,,Task,{_level(ours)},\r\n"
        ),
        "wit-mappings level": f"{types},,chore,,Task,{named['level']},\r\n",
        "status-mappings integration": f"{statuses}{named['integration']},,,x,,Doing,To do,,,\r\n",
        "status-mappings workflow": f"{statuses},,,x,,Doing,,{named['workflow']},{step},\r\n",
        "status-mappings step": f"{statuses},,,x,,Doing,,{workflow},{named['step']},\r\n",
        "custom-fields integration": f"{fields}{named['integration']},cf_1,,Team,,,\r\n",
        "custom-fields field": f"{fields}{integration},,{named['field']},Team,,,\r\n",
    }


def _level(world: World) -> int:
    return int(world.row(WitHierarchy).level)


def names_in(world: World) -> dict[str, str]:
    """What files call rows of a world."""
    return {
        "integration": world.row(Integration).name,
        "level": str(_level(world)),
        "workflow": world.row(Workflow).name,
        "step": world.row(WorkflowStep).name,
        "field": world.row(CustomField).name,
    }


@pytest.mark.parametrize("query", ["", "&apply=true", "&apply=true&mode=replace"])
def test_a_foreign_name_in_a_file_is_answered_like_one_of_nothing(
    query: str, ours: World, theirs: World
) -> None:
    client = client_of(ours, "admin")
    with tenant_scope(theirs.tenant.pk):
        WitHierarchy.objects.update(level=4242)
        theirs.row(WitHierarchy).refresh_from_db()
    before = (tables_of(ours), tables_of(theirs))
    foreign, own = names_in(theirs), names_in(ours)
    nothing = {kind: "31999" if kind == "level" else f"nobody-{kind}" for kind in foreign}
    given = {kind: files(ours, names) for kind, names in (("x", foreign), ("y", nothing))}
    for place, file in given["x"].items():
        table, _, kind = place.partition(" ")
        one = _imported(client, table, file, query)
        other = _imported(client, table, given["y"][place], query)
        assert one.status_code == other.status_code == 400, place
        as_one = {nothing[kind]: foreign[kind]}
        assert seen(one) == seen(other, as_one), place
        if not query:  # which does nothing
            right = _imported(client, table, files(ours, own)[place], query)
            assert right.status_code == 200, right.content
    assert (tables_of(ours), tables_of(theirs)) == before


def test_a_file_that_replaces_takes_away_no_foreign_row(ours: World, theirs: World) -> None:
    before = tables_of(theirs)
    for table in ("status-mappings", "wit-mappings", "custom-fields"):
        client = client_of(ours, "admin")
        header: Any = client.get(f"/api/v1/mapping-export/?table={table}")
        file = b"".join(header).decode().splitlines()[0] + "\r\n"
        answer = _imported(client, table, file, "&apply=true&mode=replace")
        assert answer.status_code == 200, answer.content
        assert answer.json()["counts"]["removed"] == 1
    assert tables_of(theirs) == before


def _imported(client: APIClient, table: str, file: str, query: str) -> Any:
    path = f"/api/v1/mapping-import/?table={table}{query}"
    return client.post(path, file.encode(), content_type="text/csv")
