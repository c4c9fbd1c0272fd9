from datetime import UTC, datetime
from typing import Any

import pytest

from common.errors import RecordError
from integrations.contract import (
    EMBEDDED,
    LISTED,
    AccountDraft,
    CommentDraft,
    CommitDraft,
    DeploymentDraft,
    MentionDraft,
    PullRequestDraft,
    PullRequestSizeDraft,
    RepositoryDraft,
    ReviewDraft,
    WorkflowRunDraft,
)
from integrations.providers.github.tests import samples
from integrations.providers.github.tests.samples import (
    API,
    COMMIT,
    DEPLOYMENT,
    ISSUE_COMMENT,
    PULL,
    REPOSITORY,
    REVIEW,
    REVIEW_COMMENT,
    WEB,
    drafts,
    normalized,
)

SERVER = "https://git.example.com/api/v3/repos/acme/ants"


def pull(**values: Any) -> PullRequestDraft:
    [draft] = drafts(PullRequestDraft, "pulls", PULL | values)
    return draft


def test_a_pull_request_has_the_values_of_the_list() -> None:
    assert pull() == PullRequestDraft(
        source_id="70",
        repository="acme/ants",
        repository_source_id="5",
        number=7,
        title="Dig a tunnel",
        body="It is dark.",
        state="merged",
        is_draft=False,
        author_source_id="11",
        author_login="alice",
        created_at=datetime(2024, 5, 1, 10, tzinfo=UTC),
        updated_at=datetime(2024, 5, 3, 10, tzinfo=UTC),
        closed_at=datetime(2024, 5, 2, 10, tzinfo=UTC),
        merged_at=datetime(2024, 5, 2, 10, tzinfo=UTC),
        head_repository="alice/ants",
        head_ref="dig",
        head_sha="a" * 40,
        base_ref="main",
        base_sha="b" * 40,
        merge_commit_sha="d" * 40,
        labels=["zeal", "art"],
    )


@pytest.mark.parametrize(
    ("state", "merged_at", "expected"),
    [
        ("open", None, "open"),
        ("closed", None, "closed"),
        ("closed", "2024-05-02T10:00:00Z", "merged"),
    ],
)
def test_a_closed_pull_request_is_merged_when_it_has_been(
    state: str, merged_at: str | None, expected: str
) -> None:
    assert pull(state=state, merged_at=merged_at).state == expected


def test_only_the_detail_of_a_pull_request_has_a_size() -> None:
    assert drafts(PullRequestSizeDraft, "pulls", PULL) == []
    detail = PULL | {"additions": 5, "deletions": 0, "changed_files": 2, "merged": True}
    assert drafts(PullRequestSizeDraft, "pulls", detail) == [
        PullRequestSizeDraft(
            source_id="70",
            updated_at=datetime(2024, 5, 3, 10, tzinfo=UTC),
            additions=5,
            deletions=0,
            changed_files=2,
        )
    ]


def test_a_pull_request_from_a_vanished_fork_keeps_its_branch() -> None:
    draft = pull(head={"ref": "dig", "sha": "a" * 40, "repo": None})
    assert (draft.head_repository, draft.head_ref) == (None, "dig")


def test_a_pull_request_of_a_vanished_account_has_no_author() -> None:
    draft = pull(user=None)
    assert (draft.author_source_id, draft.author_login) == (None, None)
    assert drafts(AccountDraft, "pulls", PULL | {"user": None}) == []


def test_an_account_without_login_is_still_an_account() -> None:
    assert (pull(user={"id": 11}).author_source_id, pull(user={"id": 11}).author_login) == (
        "11",
        None,
    )


@pytest.mark.parametrize(
    "url", ["https://api.github.com/repos/acme/ants/pulls/7", f"{SERVER}/pulls/7"]
)
def test_without_a_base_repository_the_address_names_it(url: str) -> None:
    draft = pull(base={"ref": "main", "sha": "b" * 40, "repo": None}, url=url)
    assert (draft.repository, draft.repository_source_id) == ("acme/ants", None)


def test_a_repository_called_repos_is_found_in_an_address() -> None:
    draft = pull(base=None, url="https://api.github.com/repos/repos/repos/pulls/7")
    assert draft.repository == "repos/repos"


def test_no_body_stays_none_and_an_empty_one_empty() -> None:
    assert (pull(body=None).body, pull(body="").body) == (None, "")


def test_newer_versions_of_the_api_leave_out_the_merge_commit() -> None:
    newer = {name: value for name, value in PULL.items() if name != "merge_commit_sha"}
    [draft] = drafts(PullRequestDraft, "pulls", newer)
    assert draft.merge_commit_sha is None


def test_a_pull_request_brings_its_repository_and_author_as_embedded() -> None:
    [repository] = drafts(RepositoryDraft, "pulls", PULL)
    [account] = drafts(AccountDraft, "pulls", PULL)
    assert (repository.full_name, repository.authority) == ("acme/ants", EMBEDDED)
    assert account == AccountDraft(source_id="11", login="alice", kind="User", authority=EMBEDDED)


def test_branch_title_and_body_of_a_pull_request_are_searched_for_mentions() -> None:
    entity = PULL | {
        "title": "ABC-1 dig",
        "body": "see https://jira.example.com/browse/ABC-2",
        "head": {"ref": "abc-3", "sha": None, "repo": None},
    }
    found = drafts(MentionDraft, "pulls", entity)
    assert [(m.place, m.reference, m.key, m.matched_text) for m in found] == [
        ("branch", "", "ABC-3", "abc-3"),
        ("title", "", "ABC-1", "ABC-1"),
        ("body", "", "ABC-2", "ABC-2"),
    ]
    assert {(m.repository, m.pull_request_number) for m in found} == {("acme/ants", 7)}


def test_a_listed_repository_says_all_about_itself() -> None:
    assert drafts(RepositoryDraft, "repositories", REPOSITORY) == [
        RepositoryDraft(
            source_id="5",
            full_name="acme/ants",
            default_branch="main",
            is_private=True,
            is_archived=False,
            is_fork=False,
            created_at=datetime(2020, 1, 1, tzinfo=UTC),
            updated_at=datetime(2024, 1, 1, tzinfo=UTC),
            pushed_at=datetime(2024, 1, 2, tzinfo=UTC),
            authority=LISTED,
        )
    ]


def test_a_commit_belongs_to_the_pull_request_of_its_line() -> None:
    entity = {"pull_number": 7, "body": COMMIT | {"commit": COMMIT["commit"] | {"message": "A-1"}}}
    [draft] = drafts(CommitDraft, "pull_commits", entity)
    assert draft == CommitDraft(
        repository="acme/ants",
        pull_request_number=7,
        sha="a" * 40,
        message="A-1",
        author_login="alice",
        author_name="Alice",
        author_email="a@example.com",
        authored_at=datetime(2024, 5, 1, 10, tzinfo=UTC),
        committer_name="Hub",
        committer_email="h@example.com",
        committed_at=datetime(2024, 5, 1, 10, 30, tzinfo=UTC),
        parent_shas=["b" * 40, "c" * 40],
    )
    [mention] = drafts(MentionDraft, "pull_commits", entity)
    assert (mention.place, mention.reference, mention.key) == ("commit", "a" * 40, "A-1")
    assert [a.source_id for a in drafts(AccountDraft, "pull_commits", entity)] == ["11", "12"]


@pytest.mark.parametrize("nobody", [None, {}])
def test_a_commit_without_a_known_author_keeps_what_git_says(nobody: Any) -> None:
    entity = {"pull_number": 7, "body": COMMIT | {"author": nobody, "committer": nobody}}
    [draft] = drafts(CommitDraft, "pull_commits", entity)
    assert (draft.author_login, draft.author_name) == (None, "Alice")
    assert drafts(AccountDraft, "pull_commits", entity) == []


def test_a_commit_that_git_knows_no_author_of_is_kept() -> None:
    git = {"message": "Dig", "author": None, "committer": None}
    [draft] = drafts(
        CommitDraft, "pull_commits", {"pull_number": 7, "body": COMMIT | {"commit": git}}
    )
    assert (draft.author_name, draft.authored_at, draft.committed_at) == (None, None, None)


@pytest.mark.parametrize(("stream", "entity"), [("pull_commits", COMMIT), ("reviews", REVIEW)])
def test_a_number_of_a_pull_request_may_be_text(stream: str, entity: dict[str, Any]) -> None:
    made = normalized(stream, {"pull_number": "41", "body": entity})
    kinds = (CommitDraft, ReviewDraft)
    numbers = [d.pull_request_number for d in made.drafts if isinstance(d, kinds)]
    assert (numbers, made.problems) == ([41], [])


def test_a_commit_without_its_pull_request_is_refused() -> None:
    with pytest.raises(RecordError, match="missing_field at pull_number"):
        normalized("pull_commits", COMMIT)


@pytest.mark.parametrize("entity", [REVIEW, {"pull_number": 7, "body": REVIEW}])
def test_a_review_is_read_with_and_without_the_line_around_it(entity: Any) -> None:
    assert drafts(ReviewDraft, "reviews", entity) == [
        ReviewDraft(
            source_id="700",
            repository="acme/ants",
            pull_request_number=7,
            author_source_id="11",
            author_login="alice",
            state="CHANGES_REQUESTED",
            body="",
            submitted_at=datetime(2024, 5, 1, 11, tzinfo=UTC),
            commit_sha="a" * 40,
        )
    ]


def test_a_pending_review_of_nobody_is_kept() -> None:
    pending = REVIEW | {"state": "PENDING", "user": None}
    del pending["submitted_at"]
    [draft] = drafts(ReviewDraft, "reviews", pending)
    assert (draft.state, draft.submitted_at, draft.author_login) == ("PENDING", None, None)


def test_a_comment_on_a_line_names_its_pull_request_by_address() -> None:
    assert drafts(CommentDraft, "review_comments", REVIEW_COMMENT) == [
        CommentDraft(
            kind="review",
            source_id="7000",
            repository="acme/ants",
            pull_request_number=7,
            author_source_id="12",
            author_login="ci[bot]",
            body="Too deep",
            created_at=datetime(2024, 5, 1, 11, tzinfo=UTC),
            updated_at=datetime(2024, 5, 1, 11, 30, tzinfo=UTC),
            path="tunnel.go",
            line=3,
            review_source_id="700",
            is_on_pull_request=True,
        )
    ]


def test_a_comment_on_a_line_that_has_gone_has_no_line() -> None:
    gone = REVIEW_COMMENT | {"line": None, "pull_request_review_id": None}
    [draft] = drafts(CommentDraft, "review_comments", gone)
    assert (draft.path, draft.line, draft.review_source_id) == ("tunnel.go", None, None)


@pytest.mark.parametrize("base", ["https://api.github.com/repos/acme/ants", SERVER])
def test_a_comment_in_the_conversation_of_a_pull_request_is_kept(base: str) -> None:
    [draft] = drafts(
        CommentDraft, "issue_comments", ISSUE_COMMENT | {"issue_url": f"{base}/issues/7"}
    )
    assert (draft.kind, draft.source_id, draft.repository, draft.pull_request_number) == (
        "issue",
        "7000",
        "acme/ants",
        7,
    )


@pytest.mark.parametrize(
    ("addresses", "expected"),
    [
        ({"html_url": f"{WEB}/pull/7#issuecomment-7000"}, True),
        ({"html_url": f"{WEB}/pull/7#issuecomment-7000", "issue_url": None}, True),
        ({"html_url": f"{WEB}/issues/7#issuecomment-7000"}, None),
        ({"html_url": f"{WEB}/issues/7#issuecomment-7000", "issue_url": None}, None),
        ({"html_url": f"{WEB}/issues/7", "issue_url": f"{API}/pulls/7"}, True),
        ({"html_url": f"{WEB}/issues/7", "pull_request": {"url": "x"}}, True),
        ({"html_url": f"{WEB}/issues/7", "pull_request": None}, None),
        ({"html_url": None, "pull_request_url": f"{API}/pulls/7"}, True),
        ({"html_url": None}, None),
        ({"html_url": "https://github.com/acme"}, None),
    ],
)
def test_a_comment_in_any_conversation_is_kept_and_says_whether_it_is_a_pull_request(
    addresses: dict[str, Any], expected: bool | None
) -> None:
    [draft] = drafts(CommentDraft, "issue_comments", ISSUE_COMMENT | addresses)
    assert (draft.repository, draft.pull_request_number) == ("acme/ants", 7)
    assert draft.is_on_pull_request is expected


def test_a_repository_called_pull_makes_no_pull_request_of_an_issue() -> None:
    there = {
        "html_url": "https://github.com/acme/pull/issues/7#issuecomment-7000",
        "issue_url": "https://api.github.com/repos/acme/pull/issues/7",
    }
    [draft] = drafts(CommentDraft, "issue_comments", ISSUE_COMMENT | there)
    assert (draft.repository, draft.is_on_pull_request) == ("acme/pull", None)


@pytest.mark.parametrize(
    "repo",
    [
        {"full_name": "acme/bees", "url": "https://api.github.com/repos/acme/bees"},
        {"full_name": "acme/bees"},
        {"url": "https://api.github.com/repos/acme/bees"},
    ],
)
def test_a_base_repository_without_id_is_named_all_the_same(repo: dict[str, Any]) -> None:
    entity = PULL | {"base": {"ref": "main", "sha": "b" * 40, "repo": repo}, "url": None}
    [draft] = drafts(PullRequestDraft, "pulls", entity)
    assert (draft.repository, draft.repository_source_id) == ("acme/bees", None)
    assert drafts(RepositoryDraft, "pulls", entity) == []


def test_a_deployment_belongs_to_the_repository_of_its_address() -> None:
    assert drafts(DeploymentDraft, "deployments", DEPLOYMENT) == [
        DeploymentDraft(
            source_id="9",
            repository="acme/ants",
            environment="production",
            ref="main",
            sha="a" * 40,
            task="deploy",
            creator_login="ci[bot]",
            created_at=datetime(2024, 5, 2, 10, tzinfo=UTC),
            updated_at=datetime(2024, 5, 2, 10, 5, tzinfo=UTC),
        )
    ]


def test_members_that_nobody_reads_may_be_anything() -> None:
    assert pull(milestone=[[1]], node_id={"a": None}, assignee=7) == pull()


def test_a_workflow_run_has_the_attempt_that_is_its_newest() -> None:
    [draft] = drafts(WorkflowRunDraft, "workflow_runs", samples.WORKFLOW_RUN)
    assert draft == WorkflowRunDraft(
        source_id="30",
        repository="acme/ants",
        name="CI",
        event="push",
        status="completed",
        conclusion="failure",
        run_number=4,
        run_attempt=2,
        head_branch="dig",
        head_sha="a" * 40,
        actor_login="alice",
        created_at=datetime(2024, 5, 2, 10, tzinfo=UTC),
        updated_at=datetime(2024, 5, 2, 10, 5, tzinfo=UTC),
        run_started_at=datetime(2024, 5, 2, 10, 4, tzinfo=UTC),
    )


def test_a_page_of_workflow_runs_is_split_and_a_run_may_say_little() -> None:
    least = {name: samples.WORKFLOW_RUN[name] for name in ("id", "created_at", "updated_at")}
    repository = {"repository": {"id": 5, "full_name": "acme/ants"}}
    page = {"total_count": 1, "workflow_runs": [{**least, **repository, "conclusion": None}]}
    [(_, entity)] = samples.split("workflow_runs", page)
    [draft] = drafts(WorkflowRunDraft, "workflow_runs", entity)
    assert (draft.repository, draft.run_attempt, draft.conclusion) == ("acme/ants", 1, None)
