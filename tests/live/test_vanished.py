"""What a pull request no longer has goes: commits of before a force-push, deleted comments."""

from collections.abc import Iterator

import pytest

from jobs.models import JobRun
from jobs.retransform import start_retransform
from sandbox.generate.world import World
from tenants.models import Tenant
from tests.live.comparing import differences
from tests.live.running import finish, sync, told
from tests.live.served import Served, served
from tests.path.working import exported, hashes

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def source() -> Iterator[Served]:
    """Thirty items and ten pull requests."""
    with served(World(items=30, seed=5, shape="v3", lean=True)) as found:
        yield found


def with_most(rows: list[dict[str, object]]) -> tuple[str, int]:
    """Return repository and number of the pull request that most of the rows belong to."""
    of = [(str(row["repository"]), int(str(row["pull_request_number"]))) for row in rows]
    return max(set(of), key=of.count)


@pytest.mark.parametrize("commits", [2, 70], ids=["on one page", "on several pages"])
def test_commits_of_before_a_force_push_go(source: Served, commits: int) -> None:
    integration = source.connect("github")
    sync(integration)
    repository, number = with_most(exported("commits"))
    before = {row["sha"] for row in exported("commits") if row["repository"] == repository}
    pull = {"repository": repository, "number": number}
    source.mutate({"op": "github.force_push", **pull, "commits": commits})
    run = sync(integration)
    assert run.state == JobRun.State.COMPLETED, told(run)
    assert differences(source, providers="github") == []
    after = {row["sha"] for row in exported("commits") if row["repository"] == repository}
    assert before - after


def test_a_deleted_comment_goes_when_its_pull_request_is_seen_again(source: Served) -> None:
    integration = source.connect("github")
    sync(integration)
    told_by = [row for row in exported("comments") if row["kind"] == "issue"]
    repository, number = with_most(told_by)
    pull = {"repository": repository, "number": number}
    source.mutate({"op": "github.delete_comment", **pull}, {"op": "github.touch", **pull})
    run = sync(integration)
    assert run.state == JobRun.State.COMPLETED, told(run)
    assert differences(source, providers="github") == []


def test_what_went_does_not_come_back_from_raw(source: Served) -> None:
    integration = source.connect("github")
    sync(integration)
    repository, number = with_most(exported("commits"))
    pull = {"repository": repository, "number": number}
    source.mutate({"op": "github.force_push", **pull, "commits": 3})
    sync(integration)
    seen = hashes()
    finish(*start_retransform(Tenant.objects.get(slug="acme")))
    assert hashes() == seen
    assert differences(source, providers="github") == []
