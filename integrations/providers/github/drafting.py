"""The drafts and problems of one record, gathered while it is read."""

from datetime import datetime
from typing import Literal

from common.errors import RecordError
from common.jsontext import strip_nul
from common.times import parse_time
from integrations.contract import (
    EMBEDDED,
    AccountDraft,
    CommitDraft,
    Draft,
    MentionDraft,
    Normalized,
    Problem,
    PullRequestDraft,
    PullRequestSizeDraft,
    RepositoryDraft,
)
from integrations.providers.github.forgiving import LeftOut
from integrations.providers.github.mentions import Place, find_mentions
from integrations.providers.github.shapes import BaseRepository, Time


class Drafting:
    """What becomes of the record at `position` of its page.

    prefix: the path of the entity in the record, with its dot; all other paths go on from there.
    """

    def __init__(self, position: int, prefix: str = "") -> None:
        self.position = position
        self.prefix = prefix
        self.drafts: list[Draft] = []
        self.problems: list[Problem] = []
        self._accounts: set[str] = set()

    def normalized(self) -> Normalized:
        """Return everything gathered."""
        return Normalized(self.drafts, self.problems)

    def note(self, reason: str, detail: str) -> None:
        """Remember that something of the record's text was cleaned."""
        self._problem("note", reason, detail)

    def left_out(self, left_out: LeftOut) -> None:
        """Remember a bad value that was taken as null."""
        error = left_out.error
        path = self.prefix + error.path
        self._problem("value", "bad_value", error.detail, path, left_out.excerpt)

    def time(self, value: Time | None, path: str) -> datetime | None:
        """Return an optional time; one that cannot be is left out and remembered."""
        if value is None:
            return None
        try:
            return parse_time(value, path)
        except RecordError as error:
            self._problem("value", error.reason, error.detail, self.prefix + path, str(value)[:100])
            return None

    def account(self, source_id: int | None, login: str | None, kind: str | None) -> str | None:
        """Remember the account that something names; return its id as text, if it has one."""
        if source_id is None:
            return None
        text = str(source_id)
        if text not in self._accounts:
            self._accounts.add(text)
            self.drafts.append(
                AccountDraft(source_id=text, login=login, kind=kind, authority=EMBEDDED)
            )
        return text

    def repository(
        self, shape: BaseRepository, source_id: int, full_name: str, path: str, authority: int
    ) -> None:
        """Add a repository."""
        self.drafts.append(
            RepositoryDraft(
                source_id=str(source_id),
                full_name=full_name,
                default_branch=shape.default_branch,
                is_private=shape.private,
                is_archived=shape.archived,
                is_fork=shape.fork,
                created_at=self.time(shape.created_at, f"{path}created_at"),
                updated_at=self.time(shape.updated_at, f"{path}updated_at"),
                pushed_at=self.time(shape.pushed_at, f"{path}pushed_at"),
                authority=authority,
            )
        )

    def pull_request(self, draft: PullRequestDraft) -> None:
        """Add a pull request and what its branch, title and body mention."""
        self.drafts.append(draft)
        texts: tuple[tuple[Place, str | None], ...] = (
            ("branch", draft.head_ref),
            ("title", draft.title),
            ("body", draft.body),
        )
        for place, text in texts:
            self._mentions(draft.repository, draft.number, place, "", text)

    def size(self, draft: PullRequestSizeDraft) -> None:
        """Add the size of a pull request, if the record says anything of it."""
        said = (
            *(draft.additions, draft.deletions, draft.changed_files),
            *(draft.commit_count, draft.review_count),
            *(draft.comment_count, draft.review_comment_count),
        )
        if any(value is not None for value in said):
            self.drafts.append(draft)

    def commit(self, draft: CommitDraft) -> None:
        """Add a commit and what its message mentions."""
        self.drafts.append(draft)
        number = draft.pull_request_number
        self._mentions(draft.repository, number, "commit", draft.sha, draft.message)

    def _mentions(
        self, repository: str, number: int, place: Place, reference: str, text: str | None
    ) -> None:
        for mention in find_mentions(text or "", place):
            self.drafts.append(
                MentionDraft(
                    repository=repository,
                    pull_request_number=number,
                    place=place,
                    reference=reference,
                    position=mention.position,
                    key=mention.key,
                    matched_text=mention.matched_text,
                )
            )

    def _problem(
        self,
        severity: Literal["value", "note"],
        reason: str,
        detail: str,
        path: str = "",
        excerpt: str = "",
    ) -> None:
        self.problems.append(
            Problem(
                severity=severity,
                reason=reason,
                detail=strip_nul(detail),
                position=self.position,
                path=strip_nul(path),
                excerpt=strip_nul(excerpt),
            )
        )


def state_of(state: str, *, merged: bool) -> Literal["open", "closed", "merged"]:
    """Return our state of a pull request; the REST API calls a merged one closed."""
    match state.lower():
        case "open" | "closed" | "merged" if merged:
            return "merged"
        case "open" | "closed" | "merged" as known:
            return known
    raise RecordError("bad_value", f"{state[:40]!r} is no state of a pull request", "state")
