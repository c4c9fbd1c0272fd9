"""Where a walk stands: what an ask carries from one step to the next, as JSON."""

from typing import Any, Final, TypeAlias, TypeVar

import msgspec

from common.digest import content_digest
from common.errors import LostPlaceError, PermanentError
from integrations.contract import Ask

S = TypeVar("S", bound="Step")

MOST_PAGES: Final = 100_000
"""No walk has more pages: a source that names ever more makes them up."""
MOST_RESTARTS: Final = 3
"""How often a walk begins anew because its cursors are refused."""


class Step(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    tag_field="step",
    forbid_unknown_fields=True,
):
    """Base of all steps; the tag says which step of which walk it is."""


class Repo(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A repository as walks know it. node: its id in the GraphQL API."""

    id: int
    node: str
    created_at: str | None = None

    @property
    def part(self) -> str:
        """The part of the streams that is this repository."""
        return str(self.id)


class Loop(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Notices that pages repeat, whatever the length of the circle, or never end: by a position
    that is kept and replaced after 1, 2, 4, 8 … pages. pages: how many there were."""

    kept: str = ""
    left: int = 1
    span: int = 1
    pages: int = 0

    def at(self, position: str, request: str) -> "Loop":
        """Return what to keep after a page; raise LostPlaceError if its position was there, or
        the pages are too many. request: what was asked, and for what."""
        digest = content_digest(position.encode())[:12]
        if digest == self.kept:
            raise LostPlaceError(
                f"{request}: GitHub gave the same page again instead of the next one; "
                "what was read until here is kept; run it again later"
            )
        if self.pages >= MOST_PAGES:
            raise LostPlaceError(
                f"{request}: GitHub names ever more pages, {MOST_PAGES:,} until here, which are "
                "kept; run it again later"
            )
        if self.left > 1:
            return Loop(self.kept, self.left - 1, self.span, self.pages + 1)
        return Loop(digest, 2 * self.span, 2 * self.span, self.pages + 1)


class Listing(Step, frozen=True, tag="list"):
    """A page of repositories.

    source: an owner, a whole name, or empty for all that the credential sees. form: which of
    GitHub's lists it is. url: where it goes on. found: how many there were until here. waiting:
    those of them that wait to be asked for together.
    """

    source: str = ""
    form: str = ""
    url: str = ""
    page: int = 0
    loop: Loop = Loop()
    found: int = 0
    waiting: list[Repo] = []


class Roster(Step, frozen=True, tag="roster"):
    """A page of the census of repositories. source: an index of the settings' sources."""

    source: int = 0
    form: str = ""
    url: str = ""
    page: int = 0
    loop: Loop = Loop()


class Missing(Step, frozen=True, tag="missing"):
    """A repository that is there and was not loaded."""

    id: str


class Extra(Step, frozen=True, tag="extra"):
    """A repository that is loaded and was not listed. is_alone: none of ours is listed."""

    id: str
    is_alone: bool = False


class Walk(Step, frozen=True, tag="walk"):
    """A page of what a repository has, newest first.

    floor: older than it (epoch ms) is covered. newest: the newest there was as the walk began.
    is_again: the first pages are read a second time, for what moved there meanwhile.
    is_passing: what is newer than the window is only passed by. is_last: the page ends where
    the walk does. good: pages since the size was changed. restarts: how often a cursor was
    refused.
    """

    node: str
    size: int
    floor: int | None = None
    newest: int | None = None
    after: str | None = None
    page: int = 0
    good: int = 0
    restarts: int = 0
    is_again: bool = False
    is_passing: bool = False
    is_last: bool = False
    loop: Loop = Loop()


class Covered(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A repository whose newest are asked for together with those of others."""

    part: str
    node: str
    floor: int


class Group(Step, frozen=True, tag="group"):
    """The newest of several repositories, each covered until its floor."""

    repos: list[Covered]
    size: int


class Probe(Step, frozen=True, tag="probe"):
    """Many repositories that are asked whether there is anything new at all."""

    repos: list[Covered]


class Nested(Step, frozen=True, tag="nested"):
    """A page of a connection of a pull request, or of a thread in it, by its node.

    at: when the pull request was updated (epoch ms): only the same version is asked the same.
    """

    connection: str
    node: str
    at: int
    size: int
    after: str | None = None
    page: int = 0
    restarts: int = 0
    loop: Loop = Loop()


class One(Step, frozen=True, tag="one"):
    """One pull request of a repository. node: of the repository."""

    node: str
    number: int


class Runs(Step, frozen=True, tag="runs"):
    """A page of the workflow runs that were created in a window of time (ISO 8601).

    until: empty for no end. url: where the list goes on. newest: the newest so far, epoch ms.
    """

    since: str
    until: str = ""
    url: str = ""
    page: int = 0
    loop: Loop = Loop()


AnyStep: TypeAlias = Listing | Roster | Missing | Extra | Walk | Group | Probe | Nested | One | Runs


def read_step(ask: Ask) -> AnyStep:
    """Return the step of an ask; raise PermanentError if it is none of ours."""
    try:
        step: AnyStep = msgspec.convert(ask.place, AnyStep)
    except msgspec.ValidationError as error:
        raise PermanentError(f"a step of another version, {ask.key}: {error}") from None
    return step


def ask_of(stream: str, part: str, step: Step, *key: object) -> Ask:
    """Return the ask of a step; `key` with stream and part makes it unique in a run."""
    name = " ".join(map(str, (stream, part, *key)))
    place: dict[str, Any] = msgspec.to_builtins(step)
    return Ask(stream=stream, part=part, key=name, place=place)


def changed(ask: Ask, step: S, **values: Any) -> Ask:
    """Return the same ask with other values of its step, such as a size."""
    variant = ".".join(f"{name}{value}" for name, value in sorted(values.items()))
    key = f"{ask.key.partition('~')[0]}~{variant}"
    return ask_of_key(ask, msgspec.structs.replace(step, **values), key)


def ask_of_key(ask: Ask, step: Step, key: str) -> Ask:
    """Return an ask of the same stream and part with this step and key."""
    place: dict[str, Any] = msgspec.to_builtins(step)
    return Ask(stream=ask.stream, part=ask.part, key=key, place=place)


def digest_of(*texts: str) -> str:
    """Return a short digest of texts, for a key."""
    return content_digest("\0".join(texts).encode())[:16]
