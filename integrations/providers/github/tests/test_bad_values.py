"""What of a record cannot be kept as it stands, and what is said of it."""

from typing import Any

import pytest

from common.errors import RecordError
from integrations.contract import CommitDraft, MentionDraft, PullRequestDraft
from integrations.providers.github.tests.samples import (
    COMMIT,
    DEPLOYMENT,
    ENTITIES,
    ISSUE_COMMENT,
    PULL,
    REPOSITORY,
    REVIEW,
    REVIEW_COMMENT,
    drafts,
    encoded,
    normalized,
)

OPTIONAL_TIMES = [
    ("pulls", PULL, "closed_at", "closed_at"),
    ("reviews", REVIEW, "submitted_at", "submitted_at"),
    ("review_comments", REVIEW_COMMENT, "updated_at", "updated_at"),
    ("repositories", REPOSITORY, "pushed_at", "pushed_at"),
]
IMPOSSIBLE_TIMES = [
    "0000-00-00",
    "2024-02-30T10:00:00Z",
    "infinity",
    "10000-01-01T00:00:00Z",
    1e300,
]


@pytest.mark.parametrize("value", IMPOSSIBLE_TIMES)
@pytest.mark.parametrize(("stream", "entity", "member", "path"), OPTIONAL_TIMES)
def test_an_impossible_optional_time_is_left_out_and_named(
    stream: str, entity: dict[str, Any], member: str, path: str, value: Any
) -> None:
    made = normalized(stream, entity | {member: value})
    [problem] = made.problems
    assert (problem.severity, problem.reason, problem.path, problem.position) == (
        "value",
        "bad_time",
        path,
        3,
    )
    assert any(getattr(draft, member, 0) is None for draft in made.drafts)


def test_an_impossible_time_in_a_line_is_named_from_the_root_of_the_line() -> None:
    git = COMMIT["commit"] | {"author": {"date": "2024-02-30T10:00:00Z"}}
    made = normalized("pull_commits", {"pull_number": 7, "body": COMMIT | {"commit": git}})
    assert [p.path for p in made.problems] == ["body.commit.author.date"]


@pytest.mark.parametrize("value", IMPOSSIBLE_TIMES)
@pytest.mark.parametrize("member", ["created_at", "updated_at"])
def test_a_pull_request_without_its_own_times_is_refused(member: str, value: Any) -> None:
    with pytest.raises(RecordError) as refused:
        normalized("pulls", PULL | {member: value})
    assert (refused.value.reason, refused.value.path) == ("bad_time", member)


REFUSED = [
    ("pulls", PULL | {"number": 2**31}, "number"),
    ("pulls", PULL | {"number": 2**70}, "number"),
    ("pulls", PULL | {"number": 0}, "number"),
    ("pulls", PULL | {"number": "7"}, "number"),
    ("pulls", PULL | {"id": 2**63}, "id"),
    ("pulls", PULL | {"additions": 2**31}, "additions"),
    ("pulls", PULL | {"state": "odd"}, "state"),
    ("pulls", PULL | {"title": None}, "title"),
    ("pulls", PULL | {"labels": [{"name": "a"}, {"name": 3}]}, "labels[1].name"),
    ("pulls", PULL | {"base": None, "url": "https://example.com/7"}, "url"),
    ("pulls", PULL | {"base": None, "url": None}, "url"),
    ("pulls", PULL | {"base": None, "url": "http://[broken"}, "url"),
    ("pulls", [PULL], ""),
    ("pulls", None, ""),
    ("pull_commits", {"pull_number": 2**31, "body": COMMIT}, "pull_number"),
    ("pull_commits", {"pull_number": 7, "body": COMMIT | {"sha": "a" * 12_000}}, "body.sha"),
    ("pull_commits", {"pull_number": 7, "body": COMMIT | {"commit": None}}, "body.commit"),
    ("reviews", {"pull_number": 7, "body": REVIEW | {"id": "700"}}, "body.id"),
    ("reviews", REVIEW | {"pull_request_url": None}, "pull_request_url"),
    ("review_comments", REVIEW_COMMENT | {"line": -(2**40)}, "line"),
    (
        "review_comments",
        REVIEW_COMMENT | {"pull_request_url": "https://x/repos/a/b/pulls/9999999999"},
        "pull_request_url",
    ),
    ("issue_comments", ISSUE_COMMENT | {"html_url": "https://github.com/acme"}, "html_url"),
    ("repositories", REPOSITORY | {"full_name": "a/" + "b" * 12_000}, "full_name"),
    ("deployments", DEPLOYMENT | {"repository_url": ""}, "repository_url"),
]


@pytest.mark.parametrize(("stream", "entity", "path"), REFUSED)
def test_what_cannot_be_kept_is_refused_with_its_path(stream: str, entity: Any, path: str) -> None:
    with pytest.raises(RecordError) as refused:
        normalized(stream, entity)
    assert refused.value.path == path
    assert refused.value.reason


@pytest.mark.parametrize("stream", ENTITIES)
@pytest.mark.parametrize(
    "body",
    [
        b'{"id": 1',
        b"nonsense",
        b'{"id": 1, "body": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"pull_number": 7, "body": {"id": NaN}}',
        b'{"id": 1, "body": {"x": 1e999}}',
        b'{"id": ' + b"9" * 5000 + b"}",
        b'{"title": "\xff"}',
        b"{}",
    ],
)
def test_a_hostile_record_is_refused_and_nothing_worse(stream: str, body: bytes) -> None:
    with pytest.raises(RecordError):
        normalized(stream, body)


def test_nul_is_taken_out_of_all_text_and_noted() -> None:
    head = {"ref": "abc\0-1", "sha": "a" * 40, "repo": None}
    made = normalized("pulls", PULL | {"title": "a\0b", "head": head, "labels": [{"name": "\0x"}]})
    [draft] = [d for d in made.drafts if isinstance(d, PullRequestDraft)]
    assert (draft.title, draft.head_ref, draft.labels) == ("ab", "abc-1", ["x"])
    assert [d.key for d in made.drafts if isinstance(d, MentionDraft)] == ["ABC-1"]
    assert [(p.severity, p.reason) for p in made.problems] == [("note", "nul")]


def test_half_a_surrogate_pair_is_replaced_and_noted() -> None:
    made = normalized("pulls", encoded(PULL | {"title": "a"}).replace(b'"a"', b'"a\\ud800"'))
    [draft] = [d for d in made.drafts if isinstance(d, PullRequestDraft)]
    assert draft.title == "a\ufffd"
    assert [(p.severity, p.reason) for p in made.problems] == [("note", "surrogate")]


def test_nul_in_what_a_line_belongs_to_is_taken_out() -> None:
    entity = {"repository": "acme/\0ants", "pull_number": 7, "body": COMMIT}
    [draft] = drafts(CommitDraft, "pull_commits", entity)
    assert draft.repository == "acme/ants"


def test_a_key_that_is_nothing_but_nul_is_refused() -> None:
    with pytest.raises(RecordError) as refused:
        normalized("pull_commits", {"pull_number": 7, "body": COMMIT | {"sha": "\0"}})
    assert refused.value.path == "body.sha"
