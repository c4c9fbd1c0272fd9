"""Repositories and pull requests are named by whichever address a record has, on any host."""

from typing import Any

import pytest

from common.errors import RecordError
from integrations.contract import CommentDraft, CommitDraft, Draft, ReviewDraft
from integrations.providers.github.places import Place, place_at
from integrations.providers.github.tests.samples import (
    API,
    COMMIT,
    REVIEW,
    REVIEW_COMMENT,
    WEB,
    drafts,
)

HOSTS = ["https://api.github.com", "https://git.example.com/api/v3", "http://x:8080/a/repos/api"]
PAGES = ["https://github.com", "https://git.example.com/deep/down"]


@pytest.mark.parametrize(
    "addresses",
    [
        *({"url": f"{host}/repos/acme/ants/commits/{'a' * 40}"} for host in HOSTS),
        *({"html_url": f"{page}/acme/ants/commit/{'a' * 40}"} for page in PAGES),
        *({"html_url": f"{page}/acme/ants/pull/7/commits/{'a' * 40}"} for page in PAGES),
        *(
            {"commit": COMMIT["commit"] | {"url": f"{host}/repos/acme/ants/git/commits/{'a' * 40}"}}
            for host in HOSTS
        ),
        *(
            {"parents": [{"sha": "b"}, {"sha": "c", "url": f"{host}/repos/acme/ants/commits/c"}]}
            for host in HOSTS
        ),
        {"parents": [{"sha": "b", "html_url": f"{WEB}/commit/{'b' * 40}"}]},
    ],
)
def test_a_commit_names_its_repository_by_any_of_its_addresses(addresses: dict[str, Any]) -> None:
    bare = {name: value for name, value in COMMIT.items() if name != "url"}
    [draft] = drafts(CommitDraft, "pull_commits", {"pull_number": 7, "body": bare | addresses})
    assert draft.repository == "acme/ants"


@pytest.mark.parametrize(
    "addresses",
    [
        *({"html_url": f"{page}/acme/ants/pull/7#discussion_r1"} for page in PAGES),
        *(
            {"_links": {"pull_request": {"href": f"{host}/repos/acme/ants/pulls/7"}}}
            for host in HOSTS
        ),
        {"_links": {"html": {"href": f"{WEB}/pull/7#pullrequestreview-700"}}},
    ],
)
@pytest.mark.parametrize(
    ("stream", "entity", "kind"),
    [("reviews", REVIEW, ReviewDraft), ("review_comments", REVIEW_COMMENT, CommentDraft)],
)
def test_a_review_and_its_comments_name_their_pull_request_by_any_of_their_addresses(
    stream: str, entity: dict[str, Any], kind: type[Draft], addresses: dict[str, Any]
) -> None:
    bare = {k: v for k, v in entity.items() if k not in ("pull_request_url", "html_url")}
    [draft] = drafts(kind, stream, bare | addresses)
    assert isinstance(draft, ReviewDraft | CommentDraft)
    assert (draft.repository, draft.pull_request_number) == ("acme/ants", 7)


def test_the_number_of_a_line_counts_and_its_address_names_the_repository() -> None:
    there = REVIEW | {"pull_request_url": f"{API}/pulls/8"}
    [draft] = drafts(ReviewDraft, "reviews", {"pull_number": 7, "body": there})
    assert (draft.repository, draft.pull_request_number) == ("acme/ants", 7)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://api.github.com/repos/repos/repos", Place("repos/repos")),
        ("https://api.github.com/repos/repos/pulls/pulls/7", Place("repos/pulls", 7, True)),
        ("https://x/a/repos/api/v3/repos/acme/ants/issues/7", Place("acme/ants", 7)),
        ("https://x/repos/acme/ants/issues/comments/70", Place("acme/ants")),
        ("https://x/repos/acme/ants/deployments/70", Place("acme/ants")),
        ("https://x/acme/pull/issues/7", Place("acme/pull", 7)),
        ("https://x/acme/issues/pull/7/files", Place("acme/issues", 7, True)),
        ("/repos/acme/ants/pulls/7/", Place("acme/ants", 7, True)),
        ("https://github.com/acme/ants", None),
        ("http://[broken", None),
        ("", None),
        (None, None),
    ],
)
def test_an_address_names_what_it_is_made_of(url: str | None, expected: Place | None) -> None:
    assert place_at(url, "url") == expected


@pytest.mark.parametrize(
    "url",
    [
        "https://x/repos/acme/ants/pulls/0",
        f"https://x/acme/ants/pull/{2**31}",
        f"https://x/repos/{'a' * 130}/{'b' * 130}",
    ],
)
def test_an_address_of_what_cannot_be_is_refused(url: str) -> None:
    with pytest.raises(RecordError) as refused:
        place_at(url, "html_url")
    assert refused.value.path == "html_url"
