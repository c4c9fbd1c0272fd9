"""An issue with its changelog and its embedded copies → drafts. The hot path of a first sync."""

from datetime import datetime
from typing import Any, Final, TypeAlias

import msgspec

from common.errors import RecordError
from integrations.contract import (
    EMBEDDED,
    MENTIONED,
    AccountDraft,
    ChangeDraft,
    Draft,
    Normalized,
    ProjectDraft,
    Record,
    SprintDraft,
    StatusDraft,
    TypeDraft,
    WorkItemDraft,
)

from . import shapes
from .entities import project_draft, status_draft, type_draft
from .people import account_draft
from .settings import JiraSettings
from .sprints import EmbeddedSprints, is_sprint_value
from .text import DOCUMENT, Node, document_text, wiki_text
from .values import (
    Copies,
    D,
    Reading,
    error_within,
    identity,
    moment,
    optional_date,
    optional_identity,
    optional_moment,
    optional_number,
)

Parts: TypeAlias = dict[str, msgspec.Raw]
Custom: TypeAlias = tuple[dict[str, Any], Parts]

_CUSTOM: Final = "customfield_"
_NULL: Final = msgspec.Raw(b"null")
_PROJECTS: Final = Copies(shapes.PROJECT, lambda copy: project_draft(copy, EMBEDDED))
_TYPES: Final = Copies(shapes.ISSUE_TYPE, lambda copy: type_draft(copy, EMBEDDED))
_STATUSES: Final = Copies(shapes.STATUS, lambda copy: status_draft(copy, EMBEDDED))
_PEOPLE: Final = Copies(shapes.PERSON, lambda copy: account_draft(copy, EMBEDDED))


def normalize_issue(record: Record, settings: JiraSettings) -> Normalized:
    """Return the drafts of one issue; raise RecordError if it cannot be kept."""
    reading = Reading(record.position)
    issue, body = reading.whole(record.body, shapes.ISSUE)
    fields = issue.fields
    if fields is None:
        raise RecordError("missing_field", "the record cannot be kept without it", "fields")
    source_id = identity(issue.id, "id")
    project = _needed(fields.project, _PROJECTS, "fields.project", reading)
    type_ = _needed(fields.issuetype, _TYPES, "fields.issuetype", reading)
    status = _needed(fields.status, _STATUSES, "fields.status", reading)
    people: dict[str, AccountDraft] = {}
    custom, parts = _custom_fields(body, reading)
    sprint_ids, sprints = _sprints(fields, (custom, parts), settings, reading)
    changes, mentions, all_read = _changes(source_id, issue.changelog, people, reading)
    mentions.pop(status.source_id, None)
    item = _work_item(source_id, issue, fields, (project, type_, status), people, reading)
    item.custom_fields = custom
    item.sprint_source_ids = sprint_ids
    item.story_points = _story_points(custom, settings, reading)
    item.parent_source_id, item.parent_key = _parent(fields, custom, settings)
    item.history_complete = all_read and _is_complete(issue.changelog)
    drafts: list[Draft] = [item, *changes, project, type_, status]
    drafts += people.values()
    drafts += mentions.values()
    drafts += sprints
    return Normalized(drafts, reading.all_problems())


def _work_item(
    source_id: str,
    issue: shapes.Issue,
    fields: shapes.Fields,
    copies: tuple[ProjectDraft, TypeDraft, StatusDraft],
    people: dict[str, AccountDraft],
    reading: Reading,
) -> WorkItemDraft:
    """Return the item without what its custom fields and its changelog say."""
    project, type_, status = copies
    return WorkItemDraft(
        source_id=source_id,
        key=identity(issue.key, "key"),
        project_source_id=project.source_id,
        project_key=project.key,
        type_source_id=type_.source_id,
        source_type=type_.name,
        status_source_id=status.source_id,
        source_status=status.name,
        title=fields.summary or "",
        description=_description(fields.description, reading),
        priority=fields.priority.name if fields.priority else None,
        resolution=fields.resolution.name if fields.resolution else None,
        assignee_source_id=_person(fields.assignee, "fields.assignee", people, reading),
        reporter_source_id=_person(fields.reporter, "fields.reporter", people, reading),
        creator_source_id=_person(fields.creator, "fields.creator", people, reading),
        labels=fields.labels or [],
        sprint_source_ids=[],
        due_on=optional_date(fields.duedate, "fields.duedate", reading),
        created_at=moment(fields.created, "fields.created"),
        updated_at=moment(fields.updated, "fields.updated"),
        resolved_at=optional_moment(fields.resolutiondate, "fields.resolutiondate", reading),
        custom_fields={},
        history_complete=False,
    )


def _needed(raw: msgspec.Raw, copies: Copies[D], path: str, reading: Reading) -> D:
    draft = reading.copy(raw, copies, path)
    if draft is None:
        raise RecordError("missing_field", "the record cannot be kept without it", path)
    return draft


def _person(
    raw: msgspec.Raw, path: str, people: dict[str, AccountDraft], reading: Reading
) -> str | None:
    """Return the account's id and keep a copy of the account."""
    account = _PEOPLE.known.get(bytes(raw)) or reading.copy(raw, _PEOPLE, path)
    if account is None:
        return None
    people.setdefault(account.source_id, account)
    return account.source_id


def _description(raw: msgspec.Raw, reading: Reading) -> str | None:
    """Return a document or wiki markup as plain text; another shape is null and a problem."""
    if not raw or raw == _NULL:
        return None
    try:
        value = reading.part(raw, DOCUMENT)
    except RecordError as error:
        reading.null(error_within("fields.description", error))
        return None
    return document_text(value) if isinstance(value, Node) else wiki_text(value or "")


def _custom_fields(body: bytes, reading: Reading) -> tuple[dict[str, Any], Parts]:
    """Return every custom field that has a value: as decoded JSON, and as it stands."""
    parts = {
        name: raw
        for name, raw in reading.part(body, shapes.ALL_FIELDS).fields.items()
        if raw != _NULL and name.startswith(_CUSTOM)
    }
    custom: dict[str, Any] = {}
    for name, raw in parts.items():
        try:
            custom[name] = reading.part(raw, shapes.ANY)
        except RecordError as error:
            raise error_within(f"fields.{name}", error) from None
    return custom, parts


def _story_points(custom: dict[str, Any], settings: JiraSettings, reading: Reading) -> float | None:
    name = settings.story_points_field
    return optional_number(custom.get(name), f"fields.{name}", reading) if name else None


def _sprints(
    fields: shapes.Fields, custom: Custom, settings: JiraSettings, reading: Reading
) -> tuple[list[str], list[SprintDraft]]:
    """Return the ids of the sprints of the agile fields and of the sprint field, and drafts."""
    values, parts = custom
    sprints = EmbeddedSprints(reading)
    if fields.sprint:
        sprints.add("fields.sprint", fields.sprint)
    for number, sprint in enumerate(fields.closed_sprints or ()):
        sprints.add(f"fields.closedSprints[{number}]", sprint)
    for name, value in values.items():
        named = settings.sprint_field
        if name == named or (named is None and is_sprint_value(value)):
            sprints.add_field(f"fields.{name}", value, parts[name])
    return sprints.ids(), sprints.drafts()


def _parent(
    fields: shapes.Fields, custom: dict[str, Any], settings: JiraSettings
) -> tuple[str | None, str | None]:
    """Return id and key of the parent: the parent itself, else the epic, else the epic link."""
    for related, path in ((fields.parent, "fields.parent"), (fields.epic, "fields.epic")):
        if related and (related.id or related.key):
            source_id = optional_identity(related.id, f"{path}.id")
            return source_id, optional_identity(related.key, f"{path}.key")
    link = custom.get(settings.epic_link_field) if settings.epic_link_field else None
    path = f"fields.{settings.epic_link_field}"
    return None, optional_identity(link, path) if isinstance(link, str) else None


def _is_complete(changelog: shapes.Changelog | None) -> bool:
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


def _changes(
    work_item_id: str,
    changelog: shapes.Changelog | None,
    people: dict[str, AccountDraft],
    reading: Reading,
) -> tuple[list[ChangeDraft], dict[str, StatusDraft], bool]:
    """Return the changes, the statuses that they name, and whether all histories were read."""
    changes: list[ChangeDraft] = []
    mentions: dict[str, StatusDraft] = {}
    named_at: dict[str, datetime] = {}
    all_read = True
    for number, raw in enumerate(changelog.histories or () if changelog else ()):
        try:
            read = _history(work_item_id, raw, people, reading)
        except RecordError as error:
            place = f"changelog.histories[{number}]"
            reading.left_out(error_within(place, error), bytes(raw))
            all_read = False
            continue
        changes += read
        for change in read:
            if change.is_status:
                _mention(change.from_value, change.from_text, change, mentions, named_at)
                _mention(change.to_value, change.to_text, change, mentions, named_at)
    return changes, mentions, all_read


def _history(
    work_item_id: str, raw: msgspec.Raw, people: dict[str, AccountDraft], reading: Reading
) -> list[ChangeDraft]:
    """Return a change for every item of a history; raise RecordError with its path in it."""
    history = reading.part(raw, shapes.HISTORY)
    source_id = identity(history.id, "id")
    changed_at = moment(history.created, "created")
    author = _person(history.author, "author", people, reading)
    return [
        ChangeDraft(
            work_item_source_id=work_item_id,
            source_id=source_id,
            position=position,
            field=item.field,
            field_id=item.field_id,
            is_status=item.field_id == "status"
            or (item.field == "status" and not item.field_id and item.fieldtype == "jira"),
            from_value=item.from_ if isinstance(item.from_, str) else _text(item.from_),
            to_value=item.to if isinstance(item.to, str) else _text(item.to),
            from_text=item.from_string,
            to_text=item.to_string,
            author_source_id=author,
            changed_at=changed_at,
        )
        for position, item in enumerate(history.items or ())
    ]


def _text(value: int | float | None) -> str | None:
    return None if value is None else str(value)


def _mention(
    source_id: str | None,
    name: str | None,
    change: ChangeDraft,
    mentions: dict[str, StatusDraft],
    named_at: dict[str, datetime],
) -> None:
    """Keep a status that a history names, by the newest of its names."""
    if not source_id or not name:
        return
    known = named_at.get(source_id)
    if known is None or known < change.changed_at:
        named_at[source_id] = change.changed_at
        mentions[source_id] = StatusDraft(source_id=source_id, name=name, authority=MENTIONED)
