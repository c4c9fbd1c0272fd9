"""Bad requests as one table: each row is sent to every operation that it makes sense for.

Every answer is a problem, and 400 unless the row says otherwise. Rows are numbered as in the list
of bad inputs that the API is held against; those of sizes and headers are in `test_door`.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import pytest
from django.contrib.auth.models import User
from pytest_django import Settings
from rest_framework.test import APIClient

from tests.admin.world import World
from tests.api.operations import Operation, body_schema, operations, resolved, values_of

pytestmark = pytest.mark.django_db

SIGNED: Final = "POST /api/v1/webhooks/{public_id}/"
"""Its body is looked at when its signature is right: until then there is nothing there."""


@dataclass(frozen=True)
class Sent:
    """One request. said: what the detail of the answer has to hold."""

    path: str
    body: bytes | None = None
    said: str = ""


Makes = Callable[[Operation, str], Iterator[Sent]]


# ---- bodies


def body(content: bytes, said: str = "") -> Makes:
    """Every operation that takes JSON, with this body."""

    def make(operation: Operation, path: str) -> Iterator[Sent]:
        if body_schema(operation) is not None:
            yield Sent(path, content, said)

    return make


def in_every_property(content: bytes, said: str) -> Makes:
    """Every operation that takes JSON, with this value for each property that there is."""

    def make(operation: Operation, path: str) -> Iterator[Sent]:
        schema = body_schema(operation) or {}
        schema = resolved(schema.get("items", schema))
        for name in schema.get("properties", ()):
            yield Sent(path, b'{"%s": %s}' % (name.encode(), content), said)

    return make


# ---- queries


def is_list(operation: Operation) -> bool:
    return operation.method == "GET" and any(
        each["name"] == "page_size" for each in operation.schema.get("parameters", ())
    )


def query_of_lists(text: str) -> Makes:
    """Every list, asked in this way."""

    def make(operation: Operation, path: str) -> Iterator[Sent]:
        if is_list(operation):
            yield Sent(f"{path}?{text}")

    return make


def in_filters(text: str, takes: Callable[[Mapping[str, Any]], bool]) -> Makes:
    """Every filter whose schema is such, with this value."""

    def make(operation: Operation, path: str) -> Iterator[Sent]:
        if operation.method != "GET":
            return
        for parameter in operation.queries:
            if takes(resolved(parameter["schema"])):
                name = parameter["name"]
                yield Sent(f"{path}?{required(operation, name)}{name}={text}", said=name)

    return make


def required(operation: Operation, but: str) -> str:
    """The parameters that are needed, each with its first value."""
    return "".join(
        f"{each['name']}={each['schema']['enum'][0]}&"
        for each in operation.queries
        if each.get("required") and each["name"] != but
    )


def is_number(schema: Mapping[str, Any]) -> bool:
    return schema.get("type") == "integer"


def is_any(schema: Mapping[str, Any]) -> bool:
    return True


# ---- addresses


def instead_of_ids(text: str) -> Makes:
    """Every address that names rows, with this instead of each of them."""

    def make(operation: Operation, path: str) -> Iterator[Sent]:
        if operation.names:
            yield Sent(operation.at(dict.fromkeys(operation.names, text)), b"{}")

    return make


DEEP: Final = 200_000
HUGE: Final = 2**70

BAD: Final[dict[str, tuple[Makes, int]]] = {
    "74 nested 200,000 arrays deep": (body(b"[" * DEEP + b"]" * DEEP, "levels deep"), 400),
    "74 nested 200,000 objects deep": (body(b'{"a":' * DEEP + b"1" + b"}" * DEEP, "levels"), 400),
    "74 begun 200,000 times": (body(b"[" * DEEP), 400),
    "74 nested 65 deep": (body(b'{"a": ' + b"[" * 65 + b"]" * 65 + b"}", "levels deep"), 400),
    "75 NUL in a value": (in_every_property(b'"a\\u0000b"', "NUL"), 400),
    "75 NUL far inside": (body(b'{"a": {"a": [{"b": ["\\u0000"]}]}}', "NUL"), 400),
    "75 NUL in a name": (body(b'{"a": {"a\\u0000": 1}}', "NUL"), 400),
    "75 half of a surrogate pair": (body(b'{"a": "\\ud800"}', "surrogate"), 400),
    "76 2^70": (in_every_property(b"%d" % HUGE, "64 bits"), 400),
    "76 -2^70 far inside": (body(b'{"a": [{"b": %d}]}' % -HUGE, "64 bits"), 400),
    "76 5,000 digits": (body(b'{"a": %s}' % (b"9" * 5_000), "64 bits"), 400),
    "76 1e999": (body(b'{"a": 1e999}', "out of range"), 400),
    "76 NaN": (body(b'{"a": NaN}', "no JSON"), 400),
    "a name twice": (body(b'{"a": 1, "a": 2}', "twice"), 400),
    "no UTF-8": (body(b'{"a": "\xff"}', "UTF-8"), 400),
    "cut": (body(b'{"a": '), 400),
    "77 a page": (query_of_lists("page=99999999999999999999"), 400),
    "77 a page size": (query_of_lists("page_size=99999999999999999999"), 400),
    "77 a page size of other digits": (query_of_lists("page_size=%D9%A1"), 400),
    "77 no cursor": (query_of_lists("cursor=99999999999999999999"), 400),
    "78 an id": (query_of_lists("id=1e1000000"), 400),
    "78 numbers": (in_filters("1e1000000", is_number), 400),
    "78 2^70": (in_filters(str(HUGE), is_number), 400),
    "78 a million digits": (in_filters("9" * 100_000, is_number), 400),
    "79 ordering": (query_of_lists("ordering=password"), 400),
    "79 ordering through a relation": (query_of_lists("ordering=tenant__name"), 400),
    "79 ordering by SQL": (query_of_lists("ordering=id;--"), 400),
    "an empty filter": (in_filters("", is_any), 400),
    "NUL in a filter": (in_filters("a%00b", is_any), 400),
    "NUL in a cursor": (query_of_lists("cursor=%00"), 400),
    # An address that names nothing is answered like a row that is not there or not one's own.
    "81 %00": (instead_of_ids("%00"), 404),
    "81 %00 behind an id": (instead_of_ids("1%00"), 404),
    "81 %ff": (instead_of_ids("%ff"), 404),
    "81 2^70": (instead_of_ids(str(HUGE)), 404),
    "81 1e1000000": (instead_of_ids("1e1000000"), 404),
    "81 digits that are not ASCII": (instead_of_ids("%D9%A1"), 404),
}


@pytest.fixture
def client(ours: World, settings: Settings) -> APIClient:
    """A program of an operator, who may ask for everything, as often as they want."""
    settings.API_RATES = dict.fromkeys(settings.API_RATES, 0)
    program = APIClient(headers={"X-Tenant": ours.tenant.slug})
    program.force_login(User.objects.create_superuser("operator"))
    return program


@pytest.mark.parametrize("name", BAD)
def test_a_bad_request_is_refused_by_every_operation(
    client: APIClient, ours: World, name: str
) -> None:
    makes, status = BAD[name]
    wrong, count = [], 0
    for operation in operations():
        path = operation.at({**values_of(operation, ours), "provider": "jira"})
        for sent in makes(operation, path):
            count += 1
            answer = asked(client, operation, sent)
            allowed = {status, 404} if str(operation) == SIGNED else {status}
            if answer.status_code not in allowed or not is_problem(answer, sent.said):
                wrong.append((str(operation), sent.path[:150], answer.status_code, told(answer)))
    assert wrong == []
    assert count > 0


def asked(client: Any, operation: Operation, sent: Sent) -> Any:
    if sent.body is None:
        return client.generic(operation.method, sent.path)
    return client.generic(operation.method, sent.path, sent.body, content_type="application/json")


def is_problem(answer: Any, said: str) -> bool:
    if answer["Content-Type"] != "application/problem+json":
        return False
    found = json.loads(answer.content)
    is_whole = {"type", "title", "status", "detail", "trace_id"} <= set(found)
    is_there = answer.status_code == 404 or said in found["detail"]
    return is_whole and is_there and found["status"] == answer.status_code


def told(answer: Any) -> str:
    content = b"".join(answer) if answer.streaming else answer.content
    return str(content[:200])
