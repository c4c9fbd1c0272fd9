"""Repositories that change their names: every row under the name of now, in any order."""

import random
from typing import Any

import pytest

from integrations.contract import (
    CommentDraft,
    CommitDraft,
    DeploymentDraft,
    MentionDraft,
    PullRequestDraft,
    RepositoryDraft,
    ReviewDraft,
    WorkflowRunDraft,
)
from tenants.scope import tenant_scope
from tests.warehouse.loading import Given, Source, day, given, orders_of
from warehouse.models import Commit, Mention, RepositoryName

pytestmark = pytest.mark.django_db

TABLES = ("pull_requests", "commits", "reviews", "comments", "deployments", "workflow_runs")


def seen(on: float, **names: str) -> Given:
    """The list of repositories on a day: a name for each id."""
    return given(
        *([RepositoryDraft(source_id=id_, full_name=name)] for id_, name in names.items()), on=on
    )


def pull(
    repository: str, on: float, *, id_: str = "p1", number: int = 1, title: str = "ABC-1", **of: Any
) -> Given:
    draft = PullRequestDraft(
        source_id=id_,
        repository=repository,
        number=number,
        title=title,
        state="open",
        is_draft=False,
        created_at=day(0),
        updated_at=day(on),
        labels=[],
        **of,
    )
    mention = MentionDraft(
        repository=repository,
        pull_request_number=number,
        place="title",
        reference="",
        position=0,
        key=title,
        matched_text=title,
    )
    return given([draft, mention], on=on)


def commits(repository: str, on: float, *shas: str, number: int = 1, message: str = "") -> Given:
    parents = ["", *shas]
    return given(
        *(
            [
                CommitDraft(
                    repository=repository,
                    pull_request_number=number,
                    sha=sha,
                    message=message,
                    parent_shas=[parents[place]],
                )
            ]
            for place, sha in enumerate(shas)
        ),
        on=on,
    )


def others(repository: str, on: float, id_: str = "1") -> list[Given]:
    """A review, a comment, a deployment and a workflow run."""
    of_pull: dict[str, Any] = {
        "source_id": id_,
        "repository": repository,
        "pull_request_number": 1,
    }
    times: dict[str, Any] = {"created_at": day(on), "updated_at": day(on)}
    return [
        given([ReviewDraft(**of_pull, state="APPROVED", submitted_at=day(on))], on=on),
        given([CommentDraft(**of_pull, kind="review", is_on_pull_request=True)], on=on),
        given([DeploymentDraft(source_id=id_, repository=repository, **times)], on=on),
        given([WorkflowRunDraft(source_id=id_, repository=repository, **times)], on=on),
    ]


def a_source(*pages: Given) -> Source:
    source = Source("github")
    source.load_each(pages)
    return source


def repositories(source: Source) -> dict[str, list[str]]:
    return {table: [row["repository"] for row in source.exported(table)] for table in TABLES}


def mentions(source: Source) -> list[tuple[str, int, str]]:
    with tenant_scope(source.tenant.pk):
        rows = Mention.objects.order_by("repository", "pull_request_number", "key")
        return list(rows.values_list("repository", "pull_request_number", "key"))


def state(source: Source) -> tuple[str, list[tuple[str, int, str]]]:
    return source.hashes()["all"], mentions(source)


def in_every_order(*pages: Given) -> Source:
    """Load pages in every order, or in some of them; return a source: all come out alike."""
    sources = [a_source(*order) for order in orders_of(pages)]
    at_once = Source("github")
    at_once.load(*pages)
    assert {repr(state(source)) for source in [*sources, at_once]} == {repr(state(sources[0]))}
    return sources[0]


def test_everything_of_a_renamed_repository_gets_its_new_name() -> None:
    old = [seen(1, r="a/old"), pull("a/old", 1), commits("a/old", 1, "c1"), *others("a/old", 1)]
    source = a_source(*old, seen(2, r="a/new"))
    assert repositories(source) == {table: ["a/new"] for table in TABLES}
    assert mentions(source) == [("a/new", 1, "ABC-1")]


def test_what_comes_under_the_old_name_lands_under_the_new_one_in_any_order() -> None:
    source = in_every_order(
        seen(1, r="a/old"),
        pull("a/old", 1),
        commits("a/old", 1, "c1"),
        seen(2, r="a/new"),
        *others("a/old", 1)[:1],
    )
    assert repositories(source)["reviews"] == ["a/new"]
    assert repositories(source)["commits"] == ["a/new"]


def test_a_row_under_both_names_is_there_once_in_its_newer_version() -> None:
    source = in_every_order(
        seen(1, r="a/old"),
        commits("a/old", 1, "c1", message="first"),
        commits("a/new", 3, "c1", "c2", message="second"),
        seen(2, r="a/new"),
    )
    rows = source.exported("commits")
    assert [(row["sha"], row["message"], row["position"]) for row in rows] == [
        ("c1", "second", 0),
        ("c2", "second", 1),
    ]


def test_a_title_edited_after_the_rename_leaves_no_mention_behind() -> None:
    source = in_every_order(
        seen(1, r="a/old"),
        pull("a/old", 1, title="ABC-1"),
        pull("a/new", 3, title="ABC-2"),
        seen(2, r="a/new"),
    )
    assert mentions(source) == [("a/new", 1, "ABC-2")]


def test_a_name_that_was_given_back_is_the_name_again() -> None:
    source = in_every_order(
        seen(1, r="a/one"),
        seen(2, r="a/two"),
        seen(3, r="a/one"),
        pull("a/two", 2),
        commits("a/one", 1, "c1"),
    )
    assert repositories(source)["pull_requests"] == ["a/one"]
    assert repositories(source)["commits"] == ["a/one"]


def test_two_repositories_that_swap_their_names_take_their_rows_along() -> None:
    source = in_every_order(
        seen(1, r="a/x", q="a/y"),
        commits("a/x", 1, "of r", "same"),
        commits("a/y", 1, "of q", "same"),
        seen(2, q="a/x"),
        seen(2, r="a/y"),
        commits("a/x", 3, "of q, later"),
    )
    rows = {(row["repository"], row["sha"]) for row in source.exported("commits")}
    assert rows == {
        ("a/y", "of r"),
        ("a/y", "same"),
        ("a/x", "of q"),
        ("a/x", "same"),
        ("a/x", "of q, later"),
    }


def test_a_name_that_another_repository_took_is_not_shared_with_the_earlier_owner() -> None:
    source = in_every_order(
        seen(1, r="a/x"),
        pull("a/x", 1, id_="p1", repository_source_id="r"),
        seen(2, q="a/x"),
        pull("a/x", 3, id_="p2", repository_source_id="q"),
    )
    rows = {row["source_id"]: row["repository"] for row in source.exported("pull_requests")}
    assert rows == {"p1": "a/x@r", "p2": "a/x"}
    source.load(seen(4, r="a/z"))
    rows = {row["source_id"]: row["repository"] for row in source.exported("pull_requests")}
    assert rows == {"p1": "a/z", "p2": "a/x"}
    assert mentions(source) == [("a/x", 1, "ABC-1"), ("a/z", 1, "ABC-1")]


def test_a_pull_request_tells_the_name_of_its_repository() -> None:
    source = in_every_order(
        pull("a/old", 1, id_="p1", repository_source_id="r"),
        commits("a/old", 1, "c1"),
        pull("a/new", 2, id_="p2", number=2, repository_source_id="r"),
    )
    assert repositories(source)["commits"] == ["a/new"]
    assert repositories(source)["pull_requests"] == ["a/new", "a/new"]


def test_loading_everything_again_after_renames_writes_nothing() -> None:
    pages = [
        seen(1, r="a/x", q="a/y"),
        pull("a/x", 1),
        commits("a/x", 1, "c1"),
        *others("a/y", 1),
        seen(2, r="a/y", q="a/x"),
        pull("a/y", 3, title="ABC-3"),
    ]
    source = a_source(*pages)
    before, written = state(source), source.changes_seen()
    for page in [*pages, *pages[::-1]]:
        assert source.load(page).row_count == 0
    assert (state(source), source.changes_seen()) == (before, written)


def test_reading_everything_again_from_raw_gives_the_same_also_after_a_loss() -> None:
    pages = [
        seen(1, r="a/x", q="a/y"),
        pull("a/x", 1),
        commits("a/x", 1, "c1"),
        seen(2, r="a/y", q="a/x"),
    ]
    source = a_source(*pages)
    before = state(source)
    with tenant_scope(source.tenant.pk):
        for model in (Commit, Mention, RepositoryName):
            model.objects.all().delete()
    for page in pages[::-1]:
        source.load(page, fingerprint=2)
    assert state(source) == before


def test_only_the_rows_of_the_renamed_repository_are_written() -> None:
    source = a_source(
        seen(1, r="a/old", q="a/other"), commits("a/old", 1, "c1"), commits("a/other", 1, "c2")
    )
    before = source.changes_seen()["pull_request_commits"]
    source.load(seen(2, r="a/new"))
    assert len(set(before) & set(source.changes_seen()["pull_request_commits"])) == 1


@pytest.mark.parametrize("seed", range(6))
def test_any_renames_in_any_order_give_the_same_tables(seed: int) -> None:
    rng = random.Random(seed)
    names = ["a/x", "a/y", "a/z"]
    pages: list[Given] = []
    for moment in range(1, 6):
        current = dict(zip("rq", rng.sample(names, 2), strict=True))
        pages += [seen(moment, **{id_: name}) for id_, name in current.items()]
        for id_, name in current.items():
            pages.append(commits(name, moment + 0.5, f"{id_}{moment}", f"{id_}", number=1))
            pages += others(name, moment + 0.5, f"{id_}{moment}")[:1]
            titled: dict[str, Any] = {"title": f"ABC-{moment}", "repository_source_id": id_}
            pages.append(pull(name, moment + 0.5, id_=id_, **titled))
    final = {f"{id_}": name for id_, name in current.items()}
    found = set()
    for _ in range(4):
        source = Source("github")
        order = rng.sample(pages, len(pages))
        while order:
            source.load(*[order.pop() for _ in range(min(len(order), rng.randint(1, 5)))])
        found.add(repr(state(source)))
        rows = source.exported("reviews")
        assert {row["repository"] for row in rows} == set(final.values())
        assert all(row["repository"] == final[row["source_id"][0]] for row in rows)
    assert len(found) == 1
