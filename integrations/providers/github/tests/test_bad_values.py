"""What of a record cannot be kept as it stands, and what is said of it."""

from typing import Any

import pytest

from common.errors import RecordError
from integrations.contract import (
    AccountDraft,
    CommitDraft,
    MentionDraft,
    PullRequestDraft,
    PullRequestSizeDraft,
)
from integrations.providers.github.connector import connector
from integrations.providers.github.forgiving import MOST_BAD_VALUES
from integrations.providers.github.tests.samples import (
    API,
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
    ("pulls", PULL | {"state": "odd"}, "state"),
    ("pulls", PULL | {"title": None}, "title"),
    ("pulls", PULL | {"base": None, "url": "https://example.com/7"}, "url"),
    ("pulls", PULL | {"base": None, "url": None}, "url"),
    ("pulls", PULL | {"base": None, "url": "http://[broken"}, "url"),
    ("pulls", [PULL], ""),
    ("pulls", None, ""),
    ("pull_commits", {"pull_number": 2**31, "body": COMMIT}, "pull_number"),
    ("pull_commits", {"pull_number": f"{2**31}", "body": COMMIT}, "pull_number"),
    ("pull_commits", {"pull_number": "x", "body": COMMIT}, "pull_number"),
    ("pull_commits", {"pull_number": True, "body": COMMIT}, "pull_number"),
    ("pull_commits", {"pull_number": 7, "body": COMMIT | {"sha": "a" * 12_000}}, "body.sha"),
    ("pull_commits", {"pull_number": 7, "body": COMMIT | {"commit": None}}, "body.commit"),
    ("reviews", {"pull_number": 7, "body": REVIEW | {"id": "700"}}, "body.id"),
    ("reviews", REVIEW | {"pull_request_url": None}, "pull_request_url"),
    ("reviews", {"pull_number": 7, "body": REVIEW | {"state": 5}}, "body.state"),
    ("issue_comments", ISSUE_COMMENT | {"issue_url": None, "html_url": "https://x"}, "issue_url"),
    ("issue_comments", ISSUE_COMMENT | {"issue_url": f"{API}/issues/{2**31}"}, "issue_url"),
    ("pulls", PULL | {"base": None, "url": f"https://x/repos/{'a' * 130}/{'b' * 130}"}, "url"),
    ("repositories", REPOSITORY | {"full_name": "a/" + "b" * 254}, "full_name"),
    (
        "review_comments",
        REVIEW_COMMENT | {"pull_request_url": "https://x/repos/a/b/pulls/9999999999"},
        "pull_request_url",
    ),
    ("repositories", REPOSITORY | {"full_name": "a/" + "b" * 12_000}, "full_name"),
    ("deployments", DEPLOYMENT | {"repository_url": ""}, "repository_url"),
]


@pytest.mark.parametrize(("stream", "entity", "path"), REFUSED)
def test_what_cannot_be_kept_is_refused_with_its_path(stream: str, entity: Any, path: str) -> None:
    with pytest.raises(RecordError) as refused:
        normalized(stream, entity)
    assert refused.value.path == path
    assert refused.value.reason


LEFT_OUT = [
    ("pulls", PULL | {"additions": -1, "deletions": 2}, "additions"),
    ("pulls", PULL | {"additions": 2**31, "deletions": 2}, "additions"),
    ("pulls", PULL | {"additions": 2**70, "deletions": 2}, "additions"),
    ("pulls", PULL | {"user": {"id": 0, "login": "alice"}}, "user.id"),
    ("pulls", PULL | {"user": "alice"}, "user"),
    ("pulls", PULL | {"user": {"id": 11, "login": "a" * 256}}, "user.login"),
    ("pulls", PULL | {"labels": [{"name": "a"}, {"name": None}]}, "labels[1].name"),
    ("pulls", PULL | {"labels": [{"name": "a"}, {"name": 3}]}, "labels[1].name"),
    ("pulls", PULL | {"labels": [{"name": "a"}, {}]}, "labels[1]"),
    ("pulls", PULL | {"merge_commit_sha": "a" * 256}, "merge_commit_sha"),
    ("review_comments", REVIEW_COMMENT | {"line": -1}, "line"),
    ("review_comments", REVIEW_COMMENT | {"line": -(2**40)}, "line"),
    ("review_comments", REVIEW_COMMENT | {"line": 2**40}, "line"),
    ("review_comments", REVIEW_COMMENT | {"pull_request_review_id": 0}, "pull_request_review_id"),
    ("reviews", {"pull_number": 7, "body": REVIEW | {"commit_id": 5}}, "body.commit_id"),
    (
        "pull_commits",
        {"pull_number": 7, "body": COMMIT | {"parents": [{}, {"sha": "b"}]}},
        "body.parents[0]",
    ),
]


@pytest.mark.parametrize(("stream", "entity", "path"), LEFT_OUT)
def test_a_bad_value_that_may_be_missing_is_left_out_and_named(
    stream: str, entity: Any, path: str
) -> None:
    made = normalized(stream, entity)
    [problem] = made.problems
    assert (problem.severity, problem.reason, problem.path, problem.position) == (
        "value",
        "bad_value",
        path,
        3,
    )
    assert problem.detail
    assert problem.excerpt
    assert made.drafts


def test_the_rest_of_what_holds_a_bad_value_is_kept() -> None:
    made = normalized("pulls", PULL | {"additions": -1, "deletions": 2, "user": {"login": "bob"}})
    [draft] = [d for d in made.drafts if isinstance(d, PullRequestDraft)]
    [size] = [d for d in made.drafts if isinstance(d, PullRequestSizeDraft)]
    assert (draft.author_source_id, draft.author_login) == (None, "bob")
    assert (size.additions, size.deletions) == (None, 2)
    made = normalized("pulls", PULL | {"user": {"id": 0, "login": "bob"}})
    [draft] = [d for d in made.drafts if isinstance(d, PullRequestDraft)]
    assert (draft.author_source_id, draft.author_login) == (None, "bob")
    assert [d for d in made.drafts if isinstance(d, AccountDraft)] == []


def test_each_of_many_bad_values_is_named_and_too_many_refuse_the_record() -> None:
    names = [{"name": "a"}, *({"name": number} for number in range(MOST_BAD_VALUES // 2))]
    made = normalized("pulls", PULL | {"labels": names, "additions": -1, "user": 7})
    [draft] = [d for d in made.drafts if isinstance(d, PullRequestDraft)]
    assert (draft.labels, draft.author_login) == (["a"], None)
    paths = {f"labels[{at}].name" for at in range(1, MOST_BAD_VALUES // 2 + 1)}
    assert {problem.path for problem in made.problems} == paths | {"additions", "user"}
    with pytest.raises(RecordError):
        normalized("pulls", PULL | {"labels": [{"name": 1}] * (MOST_BAD_VALUES + 1)})


@pytest.mark.parametrize("second", [[1], "x", None, {"login": "bob"}])
def test_a_bad_value_of_a_member_that_stands_there_twice_is_named(second: Any) -> None:
    body = encoded(PULL | {"user": {"id": 0}, "again": second}).replace(b'"again"', b'"user"')
    try:
        assert [p.path for p in normalized("pulls", body).problems] == ["user.id"]
    except RecordError as refused:
        assert refused.path == "user.id"


def test_labels_may_be_bare_text() -> None:
    [draft] = drafts(PullRequestDraft, "pulls", PULL | {"labels": ["bug", {"name": "art"}]})
    assert draft.labels == ["bug", "art"]


@pytest.mark.parametrize(
    ("stream", "body"),
    [
        ("pulls", PULL | {"state": "o\0dd"}),
        ("pulls", PULL | {"state": {"\0": 1}}),
        ("pulls", PULL | {"created_at": "\0"}),
        ("pulls", PULL | {"base": None, "url": "\0", "html_url": None}),
        ("issue_comments", ISSUE_COMMENT | {"issue_url": "a\0b", "html_url": None}),
        ("pull_commits", {"pull_number": "\0", "body": COMMIT}),
        ("pulls", {"\0": 1}),
    ],
)
def test_a_refusal_says_no_nul(stream: str, body: Any) -> None:
    with pytest.raises(RecordError) as refused:
        normalized(stream, body)
    assert "\0" not in f"{refused.value}{refused.value.detail}{refused.value.path}"


def test_a_refused_page_says_no_nul() -> None:
    with pytest.raises(RecordError) as refused:
        list(connector.split("pulls", encoded({"a\0b": 1})))
    assert "an object of ab" in refused.value.detail


def test_a_problem_says_no_nul() -> None:
    made = normalized("pulls", PULL | {"additions": "\0", "closed_at": "\0", "user": "a\0"})
    assert {p.path for p in made.problems if p.severity == "value"} == {
        "additions",
        "closed_at",
        "user",
    }
    assert not any("\0" in f"{p.detail}{p.path}{p.excerpt}" for p in made.problems)


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


def test_an_owner_that_is_nothing_but_nul_gives_way_to_the_address() -> None:
    entity = {"repository": "\0\0\0", "pull_number": 7, "body": COMMIT}
    [draft] = drafts(CommitDraft, "pull_commits", entity)
    assert draft.repository == "acme/ants"


def test_a_key_that_is_nothing_but_nul_is_refused() -> None:
    with pytest.raises(RecordError) as refused:
        normalized("pull_commits", {"pull_number": 7, "body": COMMIT | {"sha": "\0"}})
    assert refused.value.path == "body.sha"
