"""Whoever polls `changed_since` has a copy of the table: nothing missed, nothing given twice."""

import random
import threading
import time
from dataclasses import dataclass, field
from typing import Any, Final

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction
from rest_framework.test import APIClient

from tenants.models import Membership, Role
from tenants.scope import tenant_scope
from tests.warehouse.loading import Given, Source, given
from tests.warehouse.test_histories import history, item
from tests.warehouse.test_renames import commits, others, pull
from tests.warehouse.test_tombstones import gone, some
from warehouse.load import lock_counter
from warehouse.merge import Batch
from warehouse.models import Changelog, Comment, Commit, RemovedRow, Review, WorkItem
from warehouse.removed import remove
from warehouse.tables import BY_NAME

WRITERS: Final = 3
LOADS: Final = 12
IDS: Final = [str(number) for number in range(1, 25)]


@dataclass
class Reader:
    """A program that keeps a copy of one list, as docs/api-reading.md tells."""

    client: APIClient
    path: str
    page_size: int = 7
    since: int = 0
    copy: dict[Any, dict[str, Any]] = field(default_factory=dict)
    pages: int = 0

    def read(self) -> list[Any]:
        """Read one cycle to its end; return the ids of its rows as they were given."""
        given_ids: list[Any] = []
        address = f"{self.path}?changed_since={self.since}&page_size={self.page_size}"
        while True:
            answer = self.client.get(address)
            assert answer.status_code == 200, answer.content
            page = answer.json()
            self.pages += 1
            for each in page["gone"]:
                self.copy.pop(each["id"], None)
            for row in page["results"]:
                self.copy[row["id"]] = row
                given_ids.append(row["id"])
            if page["next"] is None:
                self.since = page["changed_until"]
                return given_ids
            assert page["changed_until"] is None
            address = page["next"]


def reader_of(source: Source, name: str, page_size: int = 7) -> Reader:
    user = User.objects.create(username=f"reader-{source.tenant.slug}-{name}")
    with tenant_scope(source.tenant.pk):
        Membership.objects.create(tenant=source.tenant, user=user, role=Role.VIEWER)
    client = APIClient()
    client.force_login(user)
    return Reader(client, f"/api/v1/{name}/", page_size)


def numbered(source: Source, *numbers: float, updated: float, **values: Any) -> Given:
    """A page with a whole record of item 1 and these histories."""
    draft = item(updated=updated, history_complete=True, history_total=len(numbers), **values)
    return given([draft, *(each for number in numbers for each in history(number))], on=updated)


@pytest.mark.django_db
def test_a_cycle_gives_all_rows_once_and_the_next_what_changed_since() -> None:
    source = Source()
    source.load(given(*([item(id_, updated=1)] for id_ in IDS), on=1))
    reader = reader_of(source, "work-items")
    assert sorted(reader.read()) == sorted(reader.copy)
    assert (len(reader.copy), reader.pages) == (len(IDS), 4)
    assert reader.read() == []
    source.load(given([item("3", updated=2)], [item("99", updated=2)], on=2))
    assert len(reader.read()) == 2
    assert {row["title"] for row in reader.copy.values()} == {"as of day 1", "as of day 2"}


@pytest.mark.django_db
def test_tombstones_are_told_and_lists_leave_them_out() -> None:
    source = Source()
    source.load(given(*([item(id_, updated=1)] for id_ in ("1", "2")), on=1))
    reader = reader_of(source, "work-items")
    reader.read()
    assert gone(source, 2, some("work_items", "1")) == 1
    assert len(reader.read()) == 1
    told = {row["source_id"]: row["deleted_reason"] for row in reader.copy.values()}
    assert told == {"1": "deleted", "2": None}
    listed = reader.client.get("/api/v1/work-items/").json()["results"]
    assert [row["source_id"] for row in listed] == ["2"]
    buried = reader.client.get("/api/v1/work-items/?is_deleted=true").json()["results"]
    assert [row["source_id"] for row in buried] == ["1"]


@pytest.mark.django_db
def test_changes_that_are_no_longer_there_are_told_as_gone() -> None:
    source = Source()
    source.load(numbered(source, 1, 2, 3, updated=4))
    reader = reader_of(source, "changelogs", page_size=2)
    reader.read()
    assert len(reader.copy) == 6
    source.load(numbered(source, 1, 3, updated=5))
    reader.read()
    assert {row["source_id"] for row in reader.copy.values()} == {"1", "3"}
    source.load(numbered(source, 1, 2, 3, updated=6))
    reader.read()
    with tenant_scope(source.tenant.pk):
        assert len(reader.copy) == Changelog.objects.count() == 6


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("name", "model"), [("commits", Commit), ("reviews", Review), ("comments", Comment)]
)
def test_what_a_pull_request_no_longer_has_is_told_as_gone(name: str, model: Any) -> None:
    source = Source("github")
    source.load_each([pull("o/r", 1), commits("o/r", 1, "a", "b"), *others("o/r", 1)])
    with tenant_scope(source.tenant.pk):
        count = model.objects.count()
    reader = reader_of(source, name)
    reader.read()
    with tenant_scope(source.tenant.pk):
        row = model.objects.first()
        remove_one(source, name, row.pk)
    reader.read()
    assert len(reader.copy) == count - 1
    assert row.pk not in reader.copy


def remove_one(source: Source, name: str, pk: int) -> None:
    table = BY_NAME["pull_request_commits" if name == "commits" else name]
    with transaction.atomic():
        counter = lock_counter(source.tenant.pk, source.integration.pk)
        batch = Batch(source.tenant.pk, source.integration.pk, counter.changed_seq)
        assert remove(batch, table, f"id = {pk}") == 1
        counter.changed_seq = batch.changed_seq
        counter.save(update_fields=["changed_seq"])


@pytest.mark.django_db
def test_what_changes_amid_a_cycle_is_left_to_the_next() -> None:
    source = Source()
    source.load(given(*([item(id_, updated=1)] for id_ in IDS), on=1))
    reader = reader_of(source, "work-items")
    first = reader.client.get(f"{reader.path}?changed_since=0&page_size=10").json()
    again = [row["source_id"] for row in first["results"][:5]]
    source.load(given(*([item(id_, updated=2)] for id_ in [*again, IDS[-1]]), on=2))
    second = reader.client.get(first["next"]).json()
    third = reader.client.get(second["next"]).json()
    ids = [row["id"] for page in (first, second, third) for row in page["results"]]
    assert len(ids) == len(set(ids)) == len(IDS) - 1
    reader.since = third["changed_until"]
    assert len(reader.read()) == 6


@pytest.mark.django_db
def test_what_cannot_be_asked_together_is_refused() -> None:
    source = Source()
    client = reader_of(source, "work-items").client
    for query in (
        "changed_since=1",
        "changed_since=-1",
        "changed_since=x",
        "changed_since=0&project=KEY",
        "changed_since=0&ordering=key",
        "changed_since=0&cursor=x",
    ):
        answer = client.get(f"/api/v1/work-items/?{query}")
        assert answer.status_code == 400, query
        assert answer.json()["errors"][0]["parameter"] in query


class Writers:
    """Threads that load, bury and edit in transactions of random length."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.faults: list[BaseException] = []
        self.threads = [
            threading.Thread(target=self._write, args=(number,)) for number in range(WRITERS)
        ]

    def _write(self, number: int) -> None:
        rng = random.Random(number)
        try:
            for turn in range(LOADS):
                self._load(rng, 10 + turn * WRITERS + number)
        except BaseException as error:
            self.faults.append(error)
        finally:
            connection.close()

    def _load(self, rng: random.Random, on: float) -> None:
        chosen = rng.sample(IDS, rng.randrange(1, 9))
        records = []
        for id_ in chosen:
            numbers = sorted(rng.sample(range(1, 9), rng.randrange(1, 6)))
            draft = item(
                id_,
                updated=on,
                history_complete=True,
                history_total=len(numbers),
                title=f"{id_} of {on}",
            )
            records.append([draft, *(each for n in numbers for each in history(n, id_))])
        with tenant_scope(self.source.tenant.pk), transaction.atomic():
            self.source.load(given(*records, on=on))
            if rng.random() < 0.3:
                gone(self.source, on + 0.5, some("work_items", rng.choice(IDS)))
            time.sleep(rng.random() * 0.02)  # the transaction goes on

    def __enter__(self) -> "Writers":
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        for thread in self.threads:
            thread.join(60)

    @property
    def goes_on(self) -> bool:
        return any(thread.is_alive() for thread in self.threads)


@pytest.mark.postgres
@pytest.mark.skipif(connection.vendor != "postgresql", reason="one writes at a time elsewhere")
@pytest.mark.django_db(transaction=True)
def test_a_reader_that_polls_while_others_write_misses_nothing_and_gets_nothing_twice() -> None:
    source = Source()
    source.load(given(*([item(id_, updated=1)] for id_ in IDS), on=1))
    readers = [reader_of(source, "work-items"), reader_of(source, "changelogs", 11)]
    cycles = 0
    with Writers(source) as writers:
        while writers.goes_on:
            for reader in readers:
                ids = reader.read()
                assert len(ids) == len(set(ids))
                cycles += 1
    assert writers.faults == []
    assert cycles >= 4
    for reader in readers:
        reader.read()
        assert reader.read() == []
    with tenant_scope(source.tenant.pk):
        assert RemovedRow.objects.exists()
        assert shown(readers[0]) == dict(WorkItem.objects.values_list("pk", "changed_seq"))
        assert sorted(shown(readers[1]).values()) == sorted(
            Changelog.objects.values_list("changed_seq", flat=True)
        )


def shown(reader: Reader) -> dict[Any, int]:
    return {id_: int(row["changed_seq"]) for id_, row in reader.copy.items()}
