"""The exception decides what happens to a step: try again, give up, or set one record aside."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from common.http import Answer


class PipelineError(Exception):
    """Base of all errors that a step may raise on purpose."""


class TransientError(PipelineError):
    """May go away by itself; the step is tried again later.

    retry_after_seconds: how long the other side asked us to wait, if it did.
    """

    def __init__(self, message: str, retry_after_seconds: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class WaitError(TransientError):
    """The source must be left alone for a while, as it asked; no attempt of the step is lost.

    retry_after_seconds is always there.
    """

    def __init__(self, message: str, retry_after_seconds: float) -> None:
        super().__init__(message, retry_after_seconds)


class UnreadableError(TransientError):
    """An answer came and cannot be understood; in the end it is kept and set aside as it is.

    answer: the `common.http.Answer`, so that it can be looked at.
    """

    def __init__(self, message: str, answer: "Answer") -> None:
        super().__init__(message)
        self.answer = answer


class PermanentError(PipelineError):
    """Trying again cannot help: the step is dead at once, with this message as its reason."""


class LostPlaceError(PermanentError):
    """A walk goes round or never ends: there is no place to go on from, it has to begin anew."""


class RecordError(PipelineError):
    """One record cannot be understood: it is quarantined, the rest of its page goes on.

    reason: a short code (`malformed`, `too_large`, `bad_value`, `missing_field`, …).
    path: the place inside the record, such as `changelog.histories[3].created`.
    """

    def __init__(self, reason: str, detail: str, path: str = "") -> None:
        super().__init__(f"{reason} at {path or 'the record'}: {detail}")
        self.reason = reason
        self.detail = detail
        self.path = path


class UsageError(PipelineError):
    """What the caller asked for cannot be done; the message says what, where and what to do."""
