"""Whichever one scope of the API is switched off, it is noticed.

A scope is what a model's manager finds, what a view set shows of its model, and what a view is
answered in. Those of relations in bodies are in test_isolation_bodies.py.
"""

from typing import Any, Final

import pytest
from django.db import models

from tenants.permissions import Access
from tenants.scope import every_tenant
from tests.admin.world import World
from tests.api.conftest import client_of
from tests.api.operations import (
    Operation,
    is_owned,
    model_of,
    nothing_of,
    operations,
    values_of,
)
from tests.api.test_isolation import seen, told

pytestmark = pytest.mark.django_db
HAS_EVERYTHING: Final = True

_OF_ROWS: Final = [
    each
    for each in operations()
    if len(each.names) == 1 and is_owned(model_of(each, each.names[0]))
]
MODELS: Final = sorted(
    {model_of(each, each.names[0]) for each in _OF_ROWS}, key=lambda each: each._meta.label
)
VIEW_SETS: Final = sorted(
    {
        type(each.view)
        for each in operations()
        if is_owned(getattr(each.view, "model", None)) and hasattr(each.view, "rows")
    },
    key=lambda each: str(each.__name__),
)
OF_NO_TENANT: Final = {
    "": "the same for all",
    "auth/sign-ins": "one's own, in whatever tenant",
    "me": "one's own, in whatever tenant",
    "me/preferences": "one's own, in whatever tenant",
    "providers": "the same for all",
    "tenants": "those that one is a member of, which the scope has no say in",
    "users": "for operators, who see all",
    "workers": "counts of processes, which serve all tenants",
}
"""What is answered alike in every scope, and why."""
NAME_THE_TENANT: Final = {
    f"/api/v1/{name}/" for name in ("links/export", "mapping-export", "mapping-inbox", "me/notices")
}
"""Reads whose queries name the tenant themselves, so that the scope is their second fence."""
READS: Final = [
    pytest.param(each, id=str(each))
    for each in operations()
    if each.method == "GET" and not each.names and not each.is_public
    if each.path.removeprefix("/api/v1/").rstrip("/") not in OF_NO_TENANT
]


def tells_foreign(operation: Operation, ours: World, theirs: World) -> bool:
    """Whether a foreign row is answered otherwise than one that is not there."""
    client = client_of(ours, "admin")
    values = values_of(operation, theirs)
    missing = nothing_of(operation, values)
    as_one = {missing[name]: values[name] for name in values}
    one = seen(told(client, operation, operation.at(values)))
    return one != seen(told(client, operation, operation.at(missing)), as_one)


@pytest.mark.parametrize("model", [pytest.param(each, id=each.__name__) for each in MODELS])
def test_without_the_scope_of_a_model_it_is_noticed(
    model: type[models.Model], ours: World, theirs: World
) -> None:
    own = [each for each in _OF_ROWS if model_of(each, each.names[0]) is model]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(model._default_manager, "get_queryset", lambda: models.QuerySet(model))
        assert any(tells_foreign(each, ours, theirs) for each in own)


@pytest.mark.parametrize("view_set", [pytest.param(each, id=each.__name__) for each in VIEW_SETS])
def test_without_the_scope_of_a_view_set_it_is_noticed(
    view_set: Any, ours: World, theirs: World
) -> None:
    own = [each for each in operations() if type(each.view) is view_set]
    rows = view_set.rows

    def every_row(view: Any) -> Any:
        with every_tenant("the test opens a view set"):
            return rows(view)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(view_set, "rows", every_row)
        assert any(
            tells_foreign(each, ours, theirs)
            if each.names
            else theirs.canary in seen(client_of(ours, "admin").get(each.path))[1]
            for each in own
            if each.names or each.method == "GET"
        )


@pytest.mark.parametrize("operation", READS)
def test_without_the_scope_of_a_view_it_is_noticed(
    operation: Operation, ours: World, theirs: World
) -> None:
    client = client_of(ours, "admin")
    right = [seen(client.get(operation.path, needed)) for needed in operation.needed]
    assert {status for status, _ in right} == {200}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Access, "scope", lambda _: every_tenant("the test opens every view"))
        open_ = [seen(client.get(operation.path, needed)) for needed in operation.needed]
    is_noticed = open_ != right
    assert is_noticed is (operation.path not in NAME_THE_TENANT)
