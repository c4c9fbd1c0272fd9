"""The histories of an issue → changes, and the statuses that they name."""

from datetime import UTC, datetime
from typing import Final, TypeAlias

import msgspec

from common.errors import RecordError
from integrations.contract import MENTIONED, AccountDraft, ChangeDraft, Draft, StatusDraft

from . import shapes
from .people import embedded_person
from .values import MAX_ID_LENGTH, Reading, identity, is_too_long, moment

People: TypeAlias = dict[str, AccountDraft]

_MOST_HISTORIES: Final = 2**31 - 1
_NEVER: Final = datetime.min.replace(tzinfo=UTC)


def changes_of(
    work_item_id: str, changelog: shapes.Changelog | None, people: People, reading: Reading
) -> tuple[list[ChangeDraft], dict[str, StatusDraft], bool]:
    """Return the changes, the statuses that they name, and whether these are all changes."""
    raws = changelog.histories or [] if changelog else []
    path = "changelog.histories"
    changes, mentions = changes_in(work_item_id, raws, path, people, reading)
    return changes, mentions, not reading.is_lossy and is_whole(changelog)


def changes_in(
    work_item_id: str, raws: list[msgspec.Raw], path: str, people: People, reading: Reading
) -> tuple[list[ChangeDraft], dict[str, StatusDraft]]:
    """Return the changes of histories, and the statuses that they name. path: of the list.

    What cannot be kept is left out and a problem. Of histories with one id the first is kept.
    """
    numbers: dict[str, int] = {}
    mentions: dict[str, StatusDraft] = {}
    named_at: dict[str, datetime] = {}
    changes: list[ChangeDraft] = []
    problems = reading.problems
    placed = len(problems)
    for number, raw in enumerate(raws):
        try:
            read = _history(work_item_id, raw, people, reading)
        except RecordError as error:
            reading.left_out(error, bytes(raw))
            read = []
        if read and numbers.setdefault(read[0].source_id, number) != number:
            _note_repeated(read, changes, reading)
            read = []
        changes += read
        for change in read:
            if change.is_status:
                at = change.changed_at
                _mention(change.from_value, change.from_text, at, mentions, named_at)
                _mention(change.to_value, change.to_text, at, mentions, named_at)
        if len(problems) > placed:
            reading.within(f"{path}[{number}]", placed)
            placed = len(problems)
    if any(map(is_too_long, named_at)):
        mentions = {name: status for name, status in mentions.items() if not is_too_long(name)}
        changes = [each for each in changes if _has_ids(each, numbers, raws, path, reading)]
    return changes, mentions


def normalize_histories(body: bytes, reading: Reading) -> list[Draft]:
    """Return the drafts of histories that were asked for by themselves; raise RecordError."""
    record, _ = reading.whole(body, shapes.ISSUE_HISTORIES)
    work_item_id = identity(record.issue_id, "issueId")
    if record.change_histories is None:
        raise RecordError("missing_field", "no list of histories", "changeHistories")
    people: People = {}
    changes, mentions = changes_in(
        work_item_id, record.change_histories, "changeHistories", people, reading
    )
    return [*changes, *people.values(), *mentions.values()]


def _note_repeated(read: list[ChangeDraft], kept: list[ChangeDraft], reading: Reading) -> None:
    """Note a history that has the id of a kept one and is another."""
    source_id = read[0].source_id
    if read != [change for change in kept if change.source_id == source_id]:
        detail = f"left out: an earlier history of this record has the id {source_id}"
        reading.note(RecordError("repeated_id", detail))


def is_whole(changelog: shapes.Changelog | None) -> bool:
    """Tell whether a changelog says that it holds every history.

    Without a total, it does when it says that it is the last page, or when it is not full.
    """
    if changelog is None or changelog.histories is None or changelog.start_at:
        return False
    held = len(changelog.histories)
    if changelog.total is not None:
        return changelog.total <= held
    if changelog.is_last is not None:
        return changelog.is_last
    return changelog.max_results is not None and held < changelog.max_results


def history_total(changelog: shapes.Changelog | None) -> int | None:
    """Return how many histories Jira says there are, None if it does not, or not sensibly."""
    total = changelog.total if changelog else None
    return total if total is not None and 0 <= total <= _MOST_HISTORIES else None


def _history(
    work_item_id: str, raw: msgspec.Raw, people: People, reading: Reading
) -> list[ChangeDraft]:
    """Return a change for every item of a history; what cannot be kept is left out.

    Raises RecordError; paths are those in the history.
    """
    try:
        history = reading.part(raw, shapes.HISTORY)
    except RecordError as error:
        if not error.path.startswith("items["):
            raise
        history = _history_of_sound_items(raw, reading)
    source_id = identity(history.id, "id")
    changed_at = moment(history.created, "created")
    author = embedded_person(history.author, "author", people, reading)
    return [
        ChangeDraft(
            work_item_source_id=work_item_id,
            source_id=source_id,
            position=position,
            field=item.field,
            field_id=item.field_id,
            is_status=item.field_id == "status"
            or (item.field == "status" and not item.field_id and item.fieldtype in (None, "jira")),
            from_value=item.from_ if isinstance(item.from_, str) else _text(item.from_),
            to_value=item.to if isinstance(item.to, str) else _text(item.to),
            from_text=item.from_string,
            to_text=item.to_string,
            author_source_id=author,
            changed_at=changed_at,
        )
        for position, item in enumerate(history.items or ())
        if item is not None
    ]


def _history_of_sound_items(raw: msgspec.Raw, reading: Reading) -> shapes.History:
    """Return a history with None for the items that cannot be read, which are problems."""
    body = bytes(raw)
    items: list[shapes.Item | None] = []
    for number, part in enumerate(reading.part(body, shapes.RAW_ITEMS).items):
        known, path = len(reading.problems), f"items[{number}]"
        try:
            items.append(reading.part(part, shapes.ITEM))
        except RecordError as error:
            reading.left_out(error, bytes(part))
            items.append(None)
        reading.within(path, known)
    history = reading.part(body, shapes.HISTORY_HEAD)
    return shapes.History(history.id, history.author, history.created, items)


def _has_ids(
    change: ChangeDraft,
    numbers: dict[str, int],
    raws: list[msgspec.Raw],
    place: str,
    reading: Reading,
) -> bool:
    """Tell whether the values of a change of the status can be ids; else it is a problem.

    numbers: where a history of this id stands among `raws`. place: of these.
    """
    for name, value in (("from", change.from_value), ("to", change.to_value)):
        if change.is_status and value and is_too_long(value):
            number = numbers[change.source_id]
            path = f"{place}[{number}].items[{change.position}].{name}"
            detail = f"{len(value)} characters, at most {MAX_ID_LENGTH} are kept as an id"
            reading.left_out(RecordError("too_long", detail, path), bytes(raws[number]))
            return False
    return True


def _text(value: int | float | None) -> str | None:
    return None if value is None else str(value)


def _mention(
    source_id: str | None,
    name: str | None,
    at: datetime,
    mentions: dict[str, StatusDraft],
    named_at: dict[str, datetime],
) -> None:
    """Keep a status that a history names, by the newest of its names, and when it was named."""
    if not source_id:
        return
    known = named_at.get(source_id)
    if not name:
        named_at.setdefault(source_id, _NEVER)
        return
    if known is None or known < at:
        named_at[source_id] = at
        mentions[source_id] = StatusDraft(source_id=source_id, name=name, authority=MENTIONED)
