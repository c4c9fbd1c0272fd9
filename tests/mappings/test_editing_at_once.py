"""Edits at the same moment, and edits beside a load: they wait for each other, and none is lost."""

import random
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection, connections, transaction

from mappings.editing import Author, apply, current_version
from mappings.models import ChangeSet, Wit, WitHierarchy, WitMapping, WitResolution
from mappings.services import save_type_rule
from mappings.undo import undo
from tenants.scope import tenant_scope
from tests.warehouse.rules_world import RulesWorld
from warehouse.load import lock_counter

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]

ME = Author(None, "Ada")
GIVE_UP_SECONDS = 30


@pytest.fixture
def world() -> Iterator[RulesWorld]:
    made = RulesWorld(random.Random(1), item_count=10)
    with tenant_scope(made.tenant.pk):
        made.build()
        yield made


class Editing(threading.Thread):
    """An edit in a thread and database session of its own."""

    def __init__(self, world: RulesWorld, edit: Callable[[], object]) -> None:
        super().__init__()
        self.change_set: ChangeSet | None = None
        self._world, self._edit = world, edit

    def run(self) -> None:
        try:
            with tenant_scope(self._world.tenant.pk):
                self.change_set = apply(
                    self._world.tenant.pk,
                    self._edit,
                    author=ME,
                    origin=ChangeSet.Origin.FORM,
                )
        finally:
            connections.close_all()

    def end(self) -> ChangeSet:
        self.join(GIVE_UP_SECONDS)
        assert not self.is_alive()
        assert self.change_set is not None
        return self.change_set


def await_one_that_waits() -> None:
    """Return when a session of this database waits for a lock."""
    deadline = time.monotonic() + GIVE_UP_SECONDS
    waiting = (
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    while True:
        assert time.monotonic() < deadline, "nobody waits"
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_stat_clear_snapshot()")
            cursor.execute(waiting)
            row: Any = cursor.fetchone()
        if row[0]:
            return


def rename(level: int, name: str) -> None:
    WitHierarchy.objects.filter(level=level).update(name=name)


def test_two_edits_at_once_are_two_versions_that_can_both_be_taken_back(
    world: RulesWorld,
) -> None:
    before, version = world.state(), current_version(world.tenant.pk)
    is_inside, may_go_on = threading.Event(), threading.Event()

    def slow() -> None:
        rename(1, "Feature")
        is_inside.set()
        assert may_go_on.wait(GIVE_UP_SECONDS)

    first = Editing(world, slow)
    first.start()
    assert is_inside.wait(GIVE_UP_SECONDS)
    second = Editing(world, lambda: rename(0, "Piece"))
    second.start()
    await_one_that_waits()
    may_go_on.set()
    made = [first.end(), second.end()]
    assert [each.version for each in made] == [version + 1, version + 2]
    assert [each.changes.count() for each in made] == [1, 1]
    for change_set in made:
        undo(change_set, ME)
    assert world.state() == before


def test_an_edit_waits_for_a_load_and_maps_what_it_brought(world: RulesWorld) -> None:
    integration_id = world.integration_ids[0]
    place = {"tenant": world.tenant, "integration_id": integration_id, "project_source_id": "10"}
    rule = WitMapping(
        tenant=world.tenant,
        integration_id=integration_id,
        from_name="spike",
        target="Story",
        hierarchy=WitHierarchy.objects.get(level=0),
    )
    with transaction.atomic():
        lock_counter(world.tenant.pk, integration_id)  # as a load does to its end
        editing = Editing(world, lambda: save_type_rule(rule))
        editing.start()
        await_one_that_waits()
        bring_a_type(world, integration_id, "9", "Spike")
        occurring = WitResolution.objects.create(**place, type_source_id="9")
    editing.end()
    occurring.refresh_from_db()
    assert occurring.mapping_id == WitMapping.objects.get(from_name="spike").pk


def bring_a_type(world: RulesWorld, integration_id: int, source_id: str, name: str) -> None:
    described = Wit.objects.filter(integration_id=integration_id).first()
    assert described is not None
    described.pk, described.source_id, described.name = None, source_id, name
    described.save(force_insert=True)
