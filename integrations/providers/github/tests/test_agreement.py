"""What the two APIs call differently becomes the same, wherever in an answer it stands."""

from typing import Any

import pytest

from common.errors import RecordError
from integrations.contract import (
    AccountDraft,
    CommentDraft,
    DeploymentDraft,
    Draft,
    PullRequestDraft,
)
from integrations.providers.github.tests.samples import drafts
from integrations.providers.github.tests.test_graphql import (
    BARE_PULL,
    COMMIT,
    DEPLOYMENT,
    LINE_COMMENT,
    PULL,
    REPOSITORY,
    of,
    records,
)


@pytest.mark.parametrize(
    ("actor", "login"),
    [
        ({"login": "ci", "url": "https://github.com/apps/ci"}, "ci[bot]"),
        ({"login": "ci"}, "ci[bot]"),
        ({"login": "ci[bot]", "url": "https://github.com/apps/ci"}, "ci[bot]"),
        ({"login": "robot-3", "url": "https://github.com/apps/ci"}, "robot-3"),
        ({"login": "ci", "__typename": "User"}, "ci"),
    ],
)
def test_the_bot_of_an_app_is_called_as_the_rest_api_calls_it(actor: Any, login: str) -> None:
    node = PULL | {"author": {"__typename": "Bot", "databaseId": 12, **actor}}
    [draft] = drafts(PullRequestDraft, "pulls", node)
    assert draft.author_login == login
    assert login in [account.login for account in drafts(AccountDraft, "pulls", node)]


def test_the_author_of_a_commit_who_is_a_bot_is_no_user() -> None:
    user = {"__typename": "User", "login": "ci[bot]", "databaseId": 12}
    node = {"commit": COMMIT["commit"] | {"author": {"name": "CI", "user": user}}}
    [account] = drafts(
        AccountDraft, "pull_commits", {"node": node, "repository": "acme/ants", "pull_number": 7}
    )
    assert (account.login, account.kind) == ("ci[bot]", "Bot")


@pytest.mark.parametrize(
    ("status", "state"), [({"state": "IN_PROGRESS"}, "in_progress"), (None, None)]
)
def test_the_state_of_a_deployment_is_that_of_its_newest_status(status: Any, state: Any) -> None:
    [draft] = drafts(DeploymentDraft, "deployments", DEPLOYMENT | {"latestStatus": status})
    assert draft.state == state


def test_an_open_pull_request_names_the_merge_that_was_tried() -> None:
    tried = {"potentialMergeCommit": {"oid": "e" * 40}}
    [merged] = drafts(PullRequestDraft, "pulls", PULL | tried)
    [still_open] = drafts(PullRequestDraft, "pulls", PULL | tried | {"mergeCommit": None})
    assert (merged.merge_commit_sha, still_open.merge_commit_sha) == ("d" * 40, "e" * 40)


def test_a_thread_that_goes_on_knows_its_pull_request() -> None:
    owner = {"number": 7, "repository": {"nameWithOwner": "acme/ants"}}
    data = {"node": {"pullRequest": owner, "comments": {"nodes": [LINE_COMMENT]}}}
    [draft] = of(CommentDraft, records("review_comments", data))
    assert isinstance(draft, CommentDraft)
    assert (draft.kind, draft.repository, draft.pull_request_number) == ("review", "acme/ants", 7)
    with pytest.raises(RecordError):
        records("issue_comments", data)


def test_the_newest_of_several_repositories_know_theirs() -> None:
    other = {"nameWithOwner": "acme/bees", "pullRequests": {"nodes": []}}
    mine = {"nameWithOwner": "acme/ants", "pullRequests": {"nodes": [BARE_PULL]}}
    [draft] = of(PullRequestDraft, records("pulls", {"nodes": [other, None, mine]}))
    assert isinstance(draft, PullRequestDraft)
    assert draft.repository == "acme/ants"


def test_repositories_that_are_asked_by_their_ids_are_records() -> None:
    [draft] = records("repositories", {"nodes": [REPOSITORY, None]})
    assert draft == drafts(Draft, "repositories", REPOSITORY)[0]
