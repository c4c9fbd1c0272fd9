"""Nodes of the GraphQL API become what the entities of the REST API become."""

from typing import Any

import pytest

from common.errors import RecordError
from integrations.contract import (
    AccountDraft,
    CommentDraft,
    CommitDraft,
    DeploymentDraft,
    Draft,
    MentionDraft,
    PullRequestDraft,
    PullRequestSizeDraft,
    RepositoryDraft,
    ReviewDraft,
)
from integrations.providers.github.connector import connector
from integrations.providers.github.settings import GitHubSettings
from integrations.providers.github.tests import samples
from integrations.providers.github.tests.samples import WEB, drafts, encoded, normalized

ALICE = {"__typename": "User", "login": "alice", "databaseId": 11}
BOT = {"__typename": "Bot", "login": "ci[bot]", "databaseId": 12}
COMMIT: dict[str, Any] = {
    "commit": {
        "oid": "a" * 40,
        "message": "Dig",
        "authoredDate": "2024-05-01T10:00:00Z",
        "committedDate": "2024-05-01T10:30:00Z",
        "author": {"name": "Alice", "email": "a@example.com", "user": ALICE},
        "committer": {"name": "Hub", "email": "h@example.com", "user": BOT},
        "parents": {"nodes": [{"oid": "b" * 40}, {"oid": "c" * 40}]},
    }
}
LINE_COMMENT: dict[str, Any] = {
    "databaseId": 7000,
    "author": BOT,
    "body": "Too deep",
    "createdAt": "2024-05-01T11:00:00Z",
    "updatedAt": "2024-05-01T11:30:00Z",
    "path": "tunnel.go",
    "line": 3,
}
REVIEW: dict[str, Any] = {
    "id": "PRR_kw",
    "databaseId": 700,
    "state": "CHANGES_REQUESTED",
    "author": ALICE,
    "body": "",
    "submittedAt": "2024-05-01T11:00:00Z",
    "commit": {"oid": "a" * 40},
    "url": f"{WEB}/pull/7#pullrequestreview-700",
}
COMMENT: dict[str, Any] = {
    "id": "IC_kw",
    "databaseId": 7000,
    "author": ALICE,
    "body": "Nice",
    "createdAt": "2024-05-01T11:00:00Z",
    "updatedAt": "2024-05-01T11:00:00Z",
    "url": f"{WEB}/pull/7#issuecomment-7000",
}
REPOSITORY: dict[str, Any] = {
    "id": "R_kg",
    "databaseId": 5,
    "nameWithOwner": "acme/ants",
    "defaultBranchRef": {"name": "main"},
    "isPrivate": True,
    "isArchived": False,
    "isFork": False,
    "createdAt": "2020-01-01T00:00:00Z",
    "updatedAt": "2024-01-01T00:00:00Z",
    "pushedAt": "2024-01-02T00:00:00Z",
}
PULL: dict[str, Any] = {
    "id": "PR_kw",
    "databaseId": 70,
    "number": 7,
    "url": f"{WEB}/pull/7",
    "title": "Dig a tunnel",
    "body": "It is dark.",
    "state": "MERGED",
    "isDraft": False,
    "author": ALICE,
    "createdAt": "2024-05-01T10:00:00Z",
    "updatedAt": "2024-05-03T10:00:00Z",
    "closedAt": "2024-05-02T10:00:00Z",
    "mergedAt": "2024-05-02T10:00:00Z",
    "headRefName": "dig",
    "headRefOid": "a" * 40,
    "headRepository": {"nameWithOwner": "alice/ants"},
    "baseRefName": "main",
    "baseRefOid": "b" * 40,
    "baseRepository": REPOSITORY,
    "mergeCommit": {"oid": "d" * 40},
    "labels": {"nodes": [{"name": "zeal"}, {"name": "art"}]},
}
DEPLOYMENT: dict[str, Any] = {
    "databaseId": 9,
    "environment": "production",
    "ref": {"name": "main"},
    "commitOid": "a" * 40,
    "task": "deploy",
    "state": "ACTIVE",
    "creator": BOT,
    "createdAt": "2024-05-02T10:00:00Z",
    "updatedAt": "2024-05-02T10:05:00Z",
    "repository": {"nameWithOwner": "acme/ants"},
}


NO_IDS = ["x", "9" * 20, "-1", "0", "7\n", "", 0, 2**63]


def test_a_node_of_a_pull_request_becomes_what_its_entity_becomes() -> None:
    assert drafts(Draft, "pulls", PULL) == drafts(Draft, "pulls", samples.PULL)


def test_a_listed_repository_becomes_what_its_entity_becomes() -> None:
    found = drafts(RepositoryDraft, "repositories", REPOSITORY)
    assert found == drafts(RepositoryDraft, "repositories", samples.REPOSITORY)


@pytest.mark.parametrize(
    ("stream", "node", "entity"),
    [
        (
            "pull_commits",
            {"node": COMMIT, "repository": "acme/ants", "pull_number": 7},
            {"pull_number": 7, "body": samples.COMMIT},
        ),
        ("reviews", REVIEW, samples.REVIEW),
        (
            "review_comments",
            {
                "node": LINE_COMMENT | {"pullRequestReview": {"databaseId": 700}},
                "repository": "acme/ants",
                "pull_number": 7,
            },
            samples.REVIEW_COMMENT,
        ),
        ("issue_comments", COMMENT, samples.ISSUE_COMMENT),
    ],
)
def test_a_node_becomes_what_its_entity_becomes(stream: str, node: Any, entity: Any) -> None:
    def by_table(draft: Draft) -> str:
        return draft.table

    found = sorted(drafts(Draft, stream, node), key=by_table)
    assert found == sorted(drafts(Draft, stream, entity), key=by_table)


def test_a_deployment_has_its_newest_state() -> None:
    [draft] = drafts(DeploymentDraft, "deployments", DEPLOYMENT)
    [entity] = drafts(DeploymentDraft, "deployments", samples.DEPLOYMENT)
    assert draft.state == "ACTIVE"
    draft.state = None
    assert draft == entity


def test_a_pull_request_brings_everything_that_is_nested_in_it() -> None:
    node = PULL | {
        "additions": 3,
        "commits": {"nodes": [None, COMMIT]},
        "reviews": {"nodes": [REVIEW | {"comments": {"nodes": [LINE_COMMENT]}}]},
        "reviewThreads": {"nodes": [{"comments": {"nodes": [LINE_COMMENT | {"databaseId": 8}]}}]},
        "comments": {"nodes": [COMMENT]},
    }
    [commit] = drafts(CommitDraft, "pulls", node)
    [review] = drafts(ReviewDraft, "pulls", node)
    [size] = drafts(PullRequestSizeDraft, "pulls", node)
    comments = drafts(CommentDraft, "pulls", node)
    assert (commit.repository, commit.pull_request_number, commit.sha) == ("acme/ants", 7, "a" * 40)
    assert (review.pull_request_number, review.source_id) == (7, "700")
    assert (size.additions, size.deletions) == (3, None)
    assert [(c.kind, c.source_id, c.review_source_id, c.pull_request_number) for c in comments] == [
        ("review", "7000", "700", 7),
        ("review", "8", None, 7),
        ("issue", "7000", None, 7),
    ]
    assert {account.source_id for account in drafts(AccountDraft, "pulls", node)} == {"11", "12"}


@pytest.mark.parametrize(
    ("url", "expected"), [(f"{WEB}/pull/7", True), (f"{WEB}/issues/7", None), (None, True)]
)
def test_a_node_of_a_comment_says_whether_it_is_on_a_pull_request(
    url: str | None, expected: bool | None
) -> None:
    node = {"node": COMMENT | {"url": url}, "repository": "acme/ants", "pull_number": 7}
    [draft] = drafts(CommentDraft, "issue_comments", node)
    assert draft.is_on_pull_request is expected
    [nested] = drafts(CommentDraft, "pulls", PULL | {"comments": {"nodes": [COMMENT]}})
    assert nested.is_on_pull_request


def test_a_bad_node_in_a_pull_request_costs_only_itself() -> None:
    bad = {"commit": COMMIT["commit"] | {"oid": ""}}
    labels = {"nodes": [{"name": "art"}, {"name": None}]}
    made = normalized("pulls", PULL | {"commits": {"nodes": [bad, COMMIT]}, "labels": labels})
    assert [d.sha for d in made.drafts if isinstance(d, CommitDraft)] == ["a" * 40]
    assert [d.labels for d in made.drafts if isinstance(d, PullRequestDraft)] == [["art"]]
    assert {problem.path for problem in made.problems} == {
        "commits.nodes[0].commit.oid",
        "labels.nodes[1].name",
    }


def test_texts_of_a_node_are_searched_for_mentions() -> None:
    commit = {"commit": COMMIT["commit"] | {"message": "ABC-2"}}
    node = PULL | {"headRefName": "abc-1", "commits": {"nodes": [commit]}}
    found = [(m.place, m.key) for m in drafts(MentionDraft, "pulls", node)]
    assert found == [("branch", "ABC-1"), ("commit", "ABC-2")]


def test_what_has_vanished_is_null_in_a_node() -> None:
    node = PULL | {"author": None, "headRepository": None, "mergeCommit": None, "labels": None}
    [draft] = drafts(PullRequestDraft, "pulls", node)
    values = (draft.author_login, draft.head_repository, draft.merge_commit_sha, draft.labels)
    assert values == (None, None, None, [])


def test_the_full_database_id_is_text_and_wins() -> None:
    [draft] = drafts(PullRequestDraft, "pulls", PULL | {"fullDatabaseId": "71"})
    assert draft.source_id == "71"


def test_a_node_without_any_id_of_the_database_is_refused() -> None:
    with pytest.raises(RecordError, match="missing_field at databaseId"):
        normalized("pulls", PULL | {"databaseId": None})


@pytest.mark.parametrize("value", NO_IDS)
def test_an_id_that_is_none_gives_way_to_the_other(value: Any) -> None:
    made = normalized("pulls", PULL | {"fullDatabaseId": value})
    assert [d.source_id for d in made.drafts if isinstance(d, PullRequestDraft)] == ["70"]
    assert [p.path for p in made.problems] == ["fullDatabaseId"]


@pytest.mark.parametrize("value", NO_IDS)
def test_an_id_that_is_none_is_refused(value: Any) -> None:
    with pytest.raises(RecordError) as refused:
        normalized("pulls", PULL | {"fullDatabaseId": value, "databaseId": None})
    assert refused.value.path


def test_an_entity_whose_label_is_called_like_a_member_of_a_node_is_no_node() -> None:
    entity = samples.PULL | {"labels": [{"name": "createdAt"}], "body": '"databaseId"'}
    [draft] = drafts(PullRequestDraft, "pulls", entity)
    assert draft.labels == ["createdAt"]


def records(stream: str, data: Any, **more: Any) -> list[Draft]:
    body = encoded({"data": data, **more})
    return [
        draft
        for record in connector.split(stream, body)
        for draft in connector.normalize(stream, record, GitHubSettings()).drafts
    ]


def of(kind: type[Draft], found: list[Draft]) -> list[Draft]:
    return [draft for draft in found if isinstance(draft, kind)]


BARE_PULL = {k: v for k, v in PULL.items() if k not in ("baseRepository", "url")}


def test_pull_requests_of_a_repository_are_records_that_know_it() -> None:
    data = {
        "rateLimit": {"cost": 1},
        "repository": {
            "nameWithOwner": "acme/ants",
            "pullRequests": {"pageInfo": {"hasNextPage": False}, "nodes": [BARE_PULL, BARE_PULL]},
        },
    }
    found = of(PullRequestDraft, records("pulls", data))
    assert [(d.repository, d.number) for d in found if isinstance(d, PullRequestDraft)] == [
        ("acme/ants", 7)
    ] * 2


@pytest.mark.parametrize(
    "data",
    [
        {"repository": {"pullRequests": {"edges": [{"cursor": "x", "node": PULL}]}}},
        {"repository": {"pullRequest": PULL}},
        {"search": {"nodes": [PULL]}},
        {"organization": {"repositories": {"nodes": [{"pullRequests": {"nodes": [PULL]}}]}}},
    ],
)
def test_pull_requests_are_found_wherever_the_query_has_them(data: Any) -> None:
    assert records("pulls", data) == drafts(Draft, "pulls", PULL)


@pytest.mark.parametrize(
    ("stream", "nested", "kind"),
    [
        ("pull_commits", {"commits": {"nodes": [COMMIT]}}, CommitDraft),
        ("reviews", {"reviews": {"nodes": [REVIEW | {"url": None}]}}, ReviewDraft),
        (
            "review_comments",
            {"reviewThreads": {"nodes": [{"comments": {"nodes": [LINE_COMMENT]}}]}},
            CommentDraft,
        ),
        (
            "review_comments",
            {"reviews": {"nodes": [{"comments": {"nodes": [LINE_COMMENT]}}]}},
            CommentDraft,
        ),
        ("issue_comments", {"comments": {"nodes": [COMMENT | {"url": None}]}}, CommentDraft),
    ],
)
def test_the_next_page_of_a_nested_connection_knows_its_pull_request(
    stream: str, nested: Any, kind: type[Draft]
) -> None:
    pull = {"number": 7, **nested}
    data = {"repository": {"nameWithOwner": "acme/ants", "pullRequest": pull}}
    [draft] = of(kind, records(stream, data))
    assert isinstance(draft, CommitDraft | ReviewDraft | CommentDraft)
    assert (draft.repository, draft.pull_request_number) == ("acme/ants", 7)


def test_a_node_reached_by_its_own_id_names_its_repository() -> None:
    data = {
        "node": {
            "number": 7,
            "repository": {"nameWithOwner": "acme/ants"},
            "commits": {"nodes": [COMMIT]},
        }
    }
    assert [draft.table for draft in records("pull_commits", data)] == [
        "accounts",
        "accounts",
        "pull_request_commits",
    ]


def test_an_answer_in_part_gives_what_there_is_and_refuses_the_null() -> None:
    data = {"repository": {"pullRequests": {"nodes": [PULL, None]}}}
    first, second = connector.split("pulls", encoded({"data": data, "errors": [{"path": []}]}))
    assert connector.normalize("pulls", first, GitHubSettings()).problems == []
    with pytest.raises(RecordError):
        connector.normalize("pulls", second, GitHubSettings())
