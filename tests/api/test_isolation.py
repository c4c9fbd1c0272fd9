"""No operation of the API shows, accepts or reveals anything of another tenant."""

import json
import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final

import pytest
from rest_framework.test import APIClient

from tenants.scope import every_tenant
from tests.admin.world import World, tenant_models
from tests.api.conftest import client_of
from tests.api.operations import (
    MISSING,
    Operation,
    body_schema,
    model_of,
    nothing_of,
    operations,
    resolved,
    values_of,
)

pytestmark = pytest.mark.django_db
HAS_EVERYTHING: Final = True


def of_rows(operation: Operation) -> bool:
    """Whether its path names a row; providers are the same for all."""
    return bool(operation.names) and operation.names != ["provider"]


WITH_ROWS: Final = [pytest.param(each, id=str(each)) for each in operations() if of_rows(each)]
LISTS: Final = [
    pytest.param(each, id=str(each))
    for each in operations()
    if each.method == "GET" and not each.names and not each.is_public
]
FILTERED: Final = [
    pytest.param(each, id=str(each))
    for each in operations()
    if each.method == "GET" and each.queries and not each.is_public
]
WRITES: Final = [
    pytest.param(each, id=str(each)) for each in operations() if body_schema(each) is not None
]
ROLES: Final = ("admin", "viewer")
NO_TEXTS: Final = [
    f"/api/v1/{name}"
    for name in (
        "",
        "auth/sign-ins/",
        "flow-metrics/",
        "health/",
        "me/notices/",
        "me/preferences/",
        "providers/",
        "queue/",
        "tokens/",
        "workers/",
    )
]
"""Reads that show no text of the tenant, or none to everybody."""


def seen(answer: Any, asked: Mapping[Any, Any] = MappingProxyType({})) -> tuple[int, str]:
    """What is answered, but for the request's own id. asked: what to read as something else."""
    headers = {
        name: value
        for name, value in answer.headers.items()
        if name not in ("X-Request-ID", "Content-Length") and not name.startswith("RateLimit-")
    }
    content = b"".join(answer) if answer.streaming else answer.content
    text = content.decode(errors="replace") + str(sorted(headers.items()))
    text = re.sub(r'"trace_id": ?"\w*"', "", text)
    for key, other in asked.items():
        text = text.replace(str(key), str(other))
    return answer.status_code, text


def masked(found: tuple[int, str], key: object) -> tuple[int, str]:
    """What is answered, but for what was asked for."""
    return found[0], found[1].replace(str(key), "ASKED")


def told(client: APIClient, operation: Operation, path: str, body: Any = None) -> Any:
    """Ask. body: JSON, `{}` where the method takes one."""
    if operation.method == "GET":
        return client.get(path)
    return client.generic(
        operation.method,
        path,
        json.dumps({} if body is None else body),
        content_type="application/json",
    )


def tables_of(world: World) -> dict[str, list[dict[str, Any]]]:
    """All that a tenant has."""
    with every_tenant("the test compares whole tables"):
        return {
            model._meta.label: list(
                model._default_manager.filter(tenant_id=world.tenant.pk).order_by("pk").values()
            )
            for model in tenant_models()
        }


def test_every_parameter_of_a_path_is_classified() -> None:
    unknown = []
    for operation in operations():
        for name in operation.names:
            try:
                model_of(operation, name)
            except KeyError:
                unknown.append(f"{operation}: {name}")
    assert not unknown, "say in MODELS_OF whose row it names"


def test_every_view_is_behind_the_wall() -> None:
    outside = [
        str(each)
        for each in operations()
        if not each.is_public and not hasattr(each.view, "capability_of")
    ]
    assert not outside


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("operation", LISTS)
def test_what_is_read_is_ones_own(
    operation: Operation, role: str, ours: World, theirs: World
) -> None:
    client = client_of(ours, role)
    for needed in operation.needed:
        status, text = seen(client.get(operation.path, needed))
        assert theirs.canary not in text
        assert status == 403 or (status == 200 and (ours.canary in text or not has_rows(operation)))


def has_rows(operation: Operation) -> bool:
    """Whether its answer has texts of the tenant in it, and not only numbers."""
    return operation.path not in NO_TEXTS


@pytest.mark.parametrize("operation", WITH_ROWS)
def test_a_foreign_row_is_answered_like_a_missing_one(
    operation: Operation, ours: World, theirs: World
) -> None:
    before = tables_of(theirs)
    values = values_of(operation, theirs)
    missing = nothing_of(operation, values)
    for role in ROLES:
        client = client_of(ours, role)
        as_one = {missing[name]: values[name] for name in values}
        one = seen(told(client, operation, operation.at(values)))
        other = seen(told(client, operation, operation.at(missing)), as_one)
        assert one == other
        assert one[0] in (400, 401, 403, 404, 405, 415)
    assert tables_of(theirs) == before


@pytest.mark.parametrize("operation", FILTERED)
def test_no_filter_tells_what_is_foreign(operation: Operation, ours: World, theirs: World) -> None:
    client = client_of(ours, "admin")
    path = operation.at(values_of(operation, ours))
    for parameter in operation.queries:
        name = parameter["name"]
        as_nothing: dict[object, tuple[int, str]] = {}
        for value, nothing in foreign_values(resolved(parameter["schema"]), theirs):
            one = seen(client.get(path, {name: value}))
            if nothing not in as_nothing:
                as_nothing[nothing] = seen(client.get(path, {name: nothing}))
            other = as_nothing[nothing]
            is_alike = one == other or masked(one, value) == masked(other, nothing)
            assert is_alike, f"{name}={value}: {one} is not {other}"


def foreign_values(schema: Any, theirs: World) -> Iterator[tuple[object, object]]:
    """Yield values of another tenant, each with one of the same form that is nobody's."""
    if "enum" in schema or schema.get("format") in ("date-time", "date"):
        return
    if may_be_an_id(schema):
        for row in list(theirs.rows.values()):
            yield row.pk, MISSING
    elif schema.get("type") == "string":
        yield theirs.canary, theirs.canary[::-1]
        yield theirs.tenant.slug, theirs.tenant.slug[::-1]


@pytest.mark.parametrize("operation", WRITES)
def test_no_relation_of_a_body_takes_what_is_foreign(
    operation: Operation, ours: World, theirs: World
) -> None:
    before = tables_of(theirs)
    client = client_of(ours, "admin")
    path = operation.at(values_of(operation, ours))
    for place in places(body_schema(operation)):
        of_nothing = seen(told(client, operation, path, nested(place, MISSING)))
        for row in list(theirs.rows.values()):
            one = seen(told(client, operation, path, nested(place, row.pk)), {row.pk: MISSING})
            assert one == of_nothing, place
            assert one[0] != 500
    assert tables_of(theirs) == before


def may_be_an_id(schema: Any) -> bool:
    """Whether it is a whole number of any size."""
    is_number: bool = schema.get("type") == "integer"
    return is_number and int(schema.get("maximum", MISSING)) >= MISSING


def places(schema: Any, depth: int = 3) -> Iterator[tuple[str | int, ...]]:
    """Yield the places of whole numbers in a body, which may be ids."""
    schema = resolved(schema)
    if not isinstance(schema, dict) or depth < 0:
        return
    if may_be_an_id(schema):
        yield ()
    for inner in schema.get("oneOf", ()):
        yield from places(inner, depth)
    if schema.get("type") == "array":
        for rest in places(schema["items"], depth - 1):
            yield (0, *rest)
    for name, inner in schema.get("properties", {}).items():
        if not inner.get("readOnly"):
            for rest in places(inner, depth - 1):
                yield (name, *rest)


def nested(place: tuple[str | int, ...], value: object) -> Any:
    """Return a body that has a value at a place."""
    for part in reversed(place):
        value = [value] if part == 0 else {part: value}
    return value
