import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from integrations.models import Integration
from tenants.models import Tenant
from tenants.scope import ForeignTenantError, every_tenant, tenant_scope
from warehouse.commit_order import order_commits
from warehouse.models import Commit

START = datetime(2024, 5, 1, tzinfo=UTC)


class Repository:
    """A tenant with one repository whose pull requests get commits."""

    def __init__(self) -> None:
        with every_tenant("the test makes a tenant"):
            self.tenant = Tenant.objects.create(slug="alice", name="Alice")
            self.integration = Integration.objects.create(
                tenant=self.tenant, provider="github", name="code"
            )

    def commit(
        self, sha: str, *parents: str, age: int | None = 0, number: int = 1, **values: Any
    ) -> Commit:
        written = None if age is None else START + timedelta(hours=age)
        row = {
            "tenant": self.tenant,
            "integration": self.integration,
            "repository": "acme/ants",
            "pull_request_number": number,
            "sha": sha,
            "message": sha,
            "parent_shas": list(parents),
            "committed_at": written,
            "authored_at": written,
            "fetched_at": START,
            "changed_seq": 1,
            **dict.fromkeys(("raw_page_id", "raw_position", "digest", "fingerprint"), 0),
            **values,
        }
        return Commit(**row)

    def load(self, *commits: Commit) -> None:
        with tenant_scope(self.tenant.pk):
            Commit.objects.bulk_create(commits)

    def order(self, *numbers: int, changed_seq: int = 10) -> int:
        pulls = {("acme/ants", number) for number in numbers or (1,)}
        with tenant_scope(self.tenant.pk):
            return order_commits(self.tenant.pk, self.integration.pk, pulls, changed_seq)

    def shas(self, number: int = 1) -> list[str]:
        with tenant_scope(self.tenant.pk):
            rows = Commit.objects.filter(pull_request_number=number).order_by("position")
            assert [row.position for row in rows] == list(range(len(rows)))
            return [row.sha for row in rows]


@pytest.fixture
def repository(db: None) -> Repository:
    return Repository()


def test_parents_come_before_children_even_if_their_clock_ran_ahead(
    repository: Repository,
) -> None:
    repository.load(
        repository.commit("c", "b", age=0),
        repository.commit("b", "a", age=5),
        repository.commit("a", "outside", age=9),
    )
    repository.order()
    assert repository.shas() == ["a", "b", "c"]


def test_commits_that_do_not_depend_on_each_other_go_by_age_and_then_by_sha(
    repository: Repository,
) -> None:
    repository.load(
        repository.commit("d", age=None),
        repository.commit("c", age=2),
        repository.commit("b", age=1),
        repository.commit("a", age=2),
        repository.commit("e", age=2, authored_at=START),
    )
    repository.order()
    assert repository.shas() == ["b", "e", "a", "c", "d"]


def test_a_merge_comes_after_both_of_its_parents(repository: Repository) -> None:
    repository.load(
        repository.commit("merge", "left", "right", age=0),
        repository.commit("right", "root", age=2),
        repository.commit("left", "root", age=3),
        repository.commit("root", age=4),
    )
    repository.order()
    assert repository.shas() == ["root", "right", "left", "merge"]


def test_every_order_of_loading_gives_the_same_positions(repository: Repository) -> None:
    makings = [(str(n), str(n - 1), str(n // 2)) for n in range(1, 12)]
    random.Random(7).shuffle(makings)
    for making in makings:
        repository.load(repository.commit(*making))
        repository.order()
    assert repository.shas() == [str(n) for n in range(1, 12)]


def test_a_circle_of_parents_is_ordered_by_age(repository: Repository) -> None:
    repository.load(
        repository.commit("a", "c", age=3),
        repository.commit("b", "a", age=2),
        repository.commit("c", "b", age=1),
        repository.commit("self", "self", age=0),
    )
    repository.order()
    assert repository.shas() == ["self", "c", "a", "b"]


def test_only_rows_that_move_are_written_and_each_gets_its_own_change_number(
    repository: Repository,
) -> None:
    repository.load(
        repository.commit("a", position=0), repository.commit("c", "b"), repository.commit("b", "a")
    )
    assert repository.order(changed_seq=40) == 2
    with tenant_scope(repository.tenant.pk):
        rows = Commit.objects.order_by("position").values_list("sha", "changed_seq")
        assert list(rows) == [("a", 1), ("b", 41), ("c", 42)]
    assert repository.order(changed_seq=42) == 0


def test_other_pull_requests_are_left_alone(repository: Repository) -> None:
    repository.load(repository.commit("a"), repository.commit("a", number=2))
    assert repository.order(2) == 1
    with tenant_scope(repository.tenant.pk):
        assert Commit.objects.get(pull_request_number=1).position is None


def test_the_same_commit_has_a_place_in_each_of_its_pull_requests(repository: Repository) -> None:
    repository.load(
        repository.commit("b", "a"),
        repository.commit("a"),
        repository.commit("b", "a", number=2),
    )
    assert repository.order(1, 2) == 3
    assert (repository.shas(1), repository.shas(2)) == (["a", "b"], ["b"])


def test_commits_of_another_tenant_cannot_be_ordered(repository: Repository) -> None:
    with tenant_scope(repository.tenant.pk + 1), pytest.raises(ForeignTenantError):
        order_commits(repository.tenant.pk, repository.integration.pk, {("acme/ants", 1)}, 0)


def test_a_thousand_pull_requests_take_two_queries(repository: Repository) -> None:
    repository.load(*(repository.commit("a", number=number) for number in range(1, 1001)))
    with CaptureQueriesContext(connection) as queries:
        assert repository.order(*range(1, 1001)) == 1000
    assert len(queries) == 2


def test_more_pull_requests_than_a_chunk_share_one_row_of_change_numbers(
    repository: Repository,
) -> None:
    repository.load(*(repository.commit("a", number=number) for number in range(1, 1502)))
    assert repository.order(*range(1, 1502), changed_seq=0) == 1501
    with tenant_scope(repository.tenant.pk):
        numbers = Commit.objects.order_by("changed_seq").values_list("changed_seq", flat=True)
        assert list(numbers) == list(range(1, 1502))
