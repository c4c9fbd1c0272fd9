"""Sprints: listed, embedded by the agile API, or values of the sprint field in both forms."""

import re
from collections.abc import Iterable
from typing import Any, Final

import msgspec

from common.errors import RecordError
from integrations.contract import EMBEDDED, SprintDraft

from .shapes import Sprint
from .values import Reading, identity, optional_identity, optional_moment

_TEXT_PREFIX: Final = "com.atlassian.greenhopper.service.sprint.Sprint@"
_TEXT_MEMBER: Final = re.compile(
    r"(?:^|,)(id|rapidViewId|state|name|startDate|endDate|completeDate|activatedDate|sequence"
    r"|goal|autoStartStop|synced|incompleteIssuesDestinationId)="
)
_MAX_KNOWN: Final = 4096
_MAX_KNOWN_BYTES: Final = 4096
_KNOWN: Final[dict[bytes, dict[str, SprintDraft | None]]] = {}


def is_sprint_value(value: Any) -> bool:
    """Tell whether a custom field's value is a list of sprints, in either form."""
    if not isinstance(value, list) or not value:
        return False
    first = value[0]
    if isinstance(first, dict):
        has_board = "boardId" in first or "originBoardId" in first
        return has_board and "id" in first and "name" in first and "state" in first
    return isinstance(first, str) and first.startswith(_TEXT_PREFIX)


def sprints_of(value: Any, path: str, reading: Reading) -> Iterable[tuple[str, Sprint]]:
    """Yield the sprints of a sprint field's value with their paths.

    A member that is no sprint is left out and a problem of the reading.
    """
    members = value if isinstance(value, list) else [value]
    for number, member in enumerate(members):
        if member is None:
            continue
        place = f"{path}[{number}]"
        try:
            yield place, sprint_of(member, place)
        except RecordError as error:
            reading.null(error, member)


def sprint_of(member: Any, path: str) -> Sprint:
    """Return a sprint of either form; raise RecordError."""
    if isinstance(member, str) and member.startswith(_TEXT_PREFIX):
        return _sprint_from_text(member, path)
    if not isinstance(member, dict):
        raise RecordError("unexpected_shape", "not a sprint", path)
    try:
        sprint = msgspec.convert(member, Sprint)
    except msgspec.ValidationError as error:
        raise RecordError("unexpected_shape", str(error), path) from None
    if sprint.id is None or sprint.id == "":
        raise RecordError("missing_field", "a sprint without an id", path)
    return sprint


def _sprint_from_text(text: str, path: str) -> Sprint:
    """Read `…Sprint@1f2e[id=1,rapidViewId=2,state=CLOSED,name=A, B,startDate=<null>,…]`."""
    inside = text.partition("[")[2].removesuffix("]")
    found = list(_TEXT_MEMBER.finditer(inside))
    members: dict[str, str] = {}
    for match, following in zip(found, [*found[1:], None], strict=True):
        end = following.start() if following else len(inside)
        value = inside[match.end() : end]
        if value != "<null>":
            members.setdefault(match[1], value)
    if not members.get("id"):
        raise RecordError("missing_field", "a sprint without an id", path)
    return Sprint(
        id=members["id"],
        name=members.get("name"),
        state=members.get("state"),
        goal=members.get("goal"),
        board_id=members.get("rapidViewId"),
        start_date=members.get("startDate"),
        end_date=members.get("endDate"),
        complete_date=members.get("completeDate"),
    )


def sprint_draft(sprint: Sprint, path: str, authority: int, reading: Reading) -> SprintDraft:
    """Return the draft of a sprint; raise RecordError without an id or a name."""
    dot = f"{path}." if path else ""
    if not sprint.name:
        raise RecordError("missing_field", "a sprint without a name", f"{dot}name")
    board = sprint.origin_board_id if sprint.origin_board_id is not None else sprint.board_id
    return SprintDraft(
        source_id=identity(sprint.id, f"{dot}id"),
        name=sprint.name,
        state=sprint.state.lower() if sprint.state else None,
        goal=sprint.goal or None,
        board_source_id=optional_identity(board, f"{dot}boardId"),
        started_at=optional_moment(sprint.start_date, f"{dot}startDate", reading),
        ends_at=optional_moment(sprint.end_date, f"{dot}endDate", reading),
        completed_at=optional_moment(sprint.complete_date, f"{dot}completeDate", reading),
        authority=authority,
    )


class EmbeddedSprints:
    """The sprints that an item names, from all of its fields, each once."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._found: dict[str, SprintDraft | None] = {}

    def add(self, path: str, sprint: Sprint) -> None:
        """Add a sprint; it has a draft if it has a name. A wrong id leaves it out, and is noted."""
        try:
            source_id = identity(sprint.id, f"{path}.id")
            if self._found.get(source_id) is None:
                named = bool(sprint.name)
                draft = sprint_draft(sprint, path, EMBEDDED, self._reading) if named else None
                self._found[source_id] = draft
        except RecordError as error:
            self._reading.null(error, sprint.id)

    def add_member(self, path: str, value: Any) -> None:
        """Add the sprint of an agile field; an empty one is absent, what is none is noted."""
        try:
            if value is not None and value != {}:
                self.add(path, sprint_of(value, path))
        except RecordError as error:
            self._reading.null(error, value)

    def add_field(self, path: str, value: Any, raw: msgspec.Raw) -> None:
        """Add the sprints of a sprint field's value; what is no sprint is left out, and noted.

        A board's items share a few values: what was made of one without a problem is kept.
        """
        body = bytes(raw)
        known = _KNOWN.get(body)
        if known is None:
            problems = len(self._reading.problems)
            field = EmbeddedSprints(self._reading)
            for place, sprint in sprints_of(value, path, self._reading):
                field.add(place, sprint)
            known = field._found
            if len(self._reading.problems) == problems and len(body) <= _MAX_KNOWN_BYTES:
                if len(_KNOWN) >= _MAX_KNOWN:
                    _KNOWN.clear()
                _KNOWN[body] = known
        for source_id, draft in known.items():
            if self._found.get(source_id) is None:
                self._found[source_id] = draft

    def ids(self) -> list[str]:
        """Return the ids in ascending order."""
        return sorted(self._found, key=_numeric)

    def drafts(self) -> list[SprintDraft]:
        """Return a draft for each sprint that has a name."""
        return [draft for draft in self._found.values() if draft]


def _numeric(source_id: str) -> tuple[int, str]:
    """Order ids as numbers, and those that are none after them by their text."""
    plain = source_id.isascii() and source_id.isdigit()
    return (int(source_id), "") if plain else (2**64, source_id)
