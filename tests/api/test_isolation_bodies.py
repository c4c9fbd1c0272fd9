"""A foreign id in a request that is right in all else is answered like one of nothing."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import pytest
from django.db import transaction
from rest_framework import serializers
from rest_framework.test import APIClient

from tenants.api.fields import OwnField, Serializer
from tenants.scope import every_tenant
from tests.admin.world import World
from tests.api.conftest import client_of
from tests.api.foreign_ids import Naming, Pair, with_second_rules
from tests.api.foreign_ids_elsewhere import namings
from tests.api.operations import MISSING
from tests.api.test_isolation import seen, tables_of

pytestmark = pytest.mark.django_db
HAS_EVERYTHING: Final = True

ALL: Final = list(namings())
EACH: Final = [pytest.param(each, id=f"{number}-{each}") for number, each in enumerate(ALL)]


@pytest.fixture
def pairs(ours: World, theirs: World) -> tuple[Pair, Pair]:
    """The rules of both tenants, twice."""
    return with_second_rules(ours), with_second_rules(theirs)


def answered(client: APIClient, naming: Naming, ours: Pair, id_: int) -> tuple[int, str]:
    """What is answered to the request that names this id, which is read as that of nothing."""
    method, path, body = naming.asked(ours, id_)
    answer = client.generic(method, path, json.dumps(body), content_type="application/json")
    return seen(answer, {id_: MISSING})


def id_in(pair: Pair, naming: Naming) -> int:
    """The id of a row that the request may name."""
    return int(pair.named.row(naming.model).pk)


@pytest.mark.parametrize("naming", EACH)
def test_a_request_that_names_a_foreign_row_is_answered_as_if_there_were_none(
    naming: Naming, pairs: tuple[Pair, Pair]
) -> None:
    ours, theirs = pairs
    client = client_of(ours.named, "admin")
    before = tables_of(theirs.named)
    of_nothing = answered(client, naming, ours, MISSING)
    assert answered(client, naming, ours, id_in(theirs, naming)) == of_nothing
    assert tables_of(theirs.named) == before
    assert of_nothing[0] in (400, 404, 409)
    assert answered(client, naming, ours, id_in(ours, naming)) != of_nothing, "names nothing"


def own_fields() -> Iterator[tuple[str, type[Any], str]]:
    """Yield each relation that a body may have: its name, its serializer and its member."""
    for serializer in _below(Serializer):
        for name, field in serializer._declared_fields.items():
            inner = field.child if isinstance(field, serializers.ListField) else field
            if isinstance(inner, OwnField):
                yield f"{serializer.__name__}.{name}", serializer, name


def _below(parent: type[Any]) -> Iterator[type[Any]]:
    for each in parent.__subclasses__():
        if not each.__module__.startswith("rest_framework"):  # which are made to be described
            yield each
        yield from _below(each)


FIELDS: Final = [pytest.param(*each, id=each[0]) for each in own_fields()]


@pytest.mark.parametrize(("relation", "serializer", "member"), FIELDS)
def test_without_the_scope_of_a_relation_it_is_noticed(
    relation: str, serializer: type[Any], member: str, pairs: tuple[Pair, Pair]
) -> None:
    ours, theirs = pairs
    through = [each for each in ALL if each.relation == relation]
    assert through, "say in foreign_ids_elsewhere.py which request names a row through it"
    client = client_of(ours.named, "admin")
    field = serializer._declared_fields[member]
    inner = field.child if isinstance(field, serializers.ListField) else field
    with open_to_every_tenant(inner):
        for naming in through:
            of_nothing = answered(client, naming, ours, MISSING)
            with transaction.atomic():
                foreign = answered(client, naming, ours, id_in(theirs, naming))
                transaction.set_rollback(True)
            assert foreign != of_nothing, naming


@contextmanager
def open_to_every_tenant(field: Any) -> Iterator[None]:
    """Let a relation find the rows of every tenant."""
    own = field._rows

    def rows() -> Any:
        with every_tenant("the test opens a relation"):
            return own()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(field, "_rows", rows)
        yield


def test_every_relation_that_requests_name_is_one() -> None:
    known = {relation for relation, _, _ in own_fields()}
    assert {each.relation for each in ALL} - {""} == known
