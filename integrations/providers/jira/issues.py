"""An issue with its changelog and its embedded copies → drafts. The hot path of a first sync."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final, TypeAlias

import msgspec

from common.errors import RecordError
from integrations.contract import (
    EMBEDDED,
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
from .histories import changes_of, history_total
from .loose import error_within
from .people import embedded_person
from .settings import JiraSettings
from .sprints import EmbeddedSprints, is_sprint_value
from .text import DOCUMENT, Node, document_text, wiki_text
from .values import (
    UNREADABLE,
    Copies,
    D,
    Reading,
    identity,
    moment,
    optional_date,
    optional_moment,
    optional_number,
    reference,
)

Parts: TypeAlias = dict[str, msgspec.Raw]
Custom: TypeAlias = tuple[dict[str, Any], Parts]

_CUSTOM: Final = "customfield_"
_NULL: Final = msgspec.Raw(b"null")
_PROJECTS: Final = Copies(shapes.PROJECT, lambda copy: project_draft(copy, EMBEDDED))
_TYPES: Final = Copies(shapes.ISSUE_TYPE, lambda copy: type_draft(copy, EMBEDDED))
_STATUSES: Final = Copies(shapes.STATUS, lambda copy: status_draft(copy, EMBEDDED))


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
    changes, mentions, is_complete = changes_of(source_id, issue.changelog, people, reading)
    mentions.pop(status.source_id, None)
    item = _work_item(source_id, issue, fields, (project, type_, status), people, reading)
    item.custom_fields = custom
    item.sprint_source_ids = sprint_ids
    item.story_points = _story_points(custom, settings, reading)
    item.parent_source_id, item.parent_key = _parent(fields, custom, settings, reading)
    item.updated_at = _updated_at(fields, item.created_at, changes, reading)
    item.history_complete = is_complete
    item.history_total = history_total(issue.changelog)
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
    created_at = moment(fields.created, "fields.created")
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
        assignee_source_id=embedded_person(fields.assignee, "fields.assignee", people, reading),
        reporter_source_id=embedded_person(fields.reporter, "fields.reporter", people, reading),
        creator_source_id=embedded_person(fields.creator, "fields.creator", people, reading),
        labels=_labels(fields.labels or [], reading),
        sprint_source_ids=[],
        due_on=optional_date(fields.duedate, "fields.duedate", reading),
        created_at=created_at,
        updated_at=created_at,
        resolved_at=optional_moment(fields.resolutiondate, "fields.resolutiondate", reading),
        custom_fields={},
        history_complete=False,
    )


def _needed(raw: msgspec.Raw, copies: Copies[D], path: str, reading: Reading) -> D:
    draft = reading.copy(raw, copies, path)
    if draft is None:
        raise RecordError("missing_field", "the record cannot be kept without it", path)
    return draft


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


def _labels(labels: list[Any], reading: Reading) -> list[str]:
    """Return the labels: a number as its text, nulls left out, what is neither a problem."""
    for label in labels:
        if type(label) is not str:
            return list(_label_texts(labels, reading))
    return labels


def _label_texts(labels: list[Any], reading: Reading) -> Iterable[str]:
    for number, label in enumerate(labels):
        if isinstance(label, str | int | float) and not isinstance(label, bool):
            yield str(label)
        elif label is not None:
            path = f"fields.labels[{number}]"
            reading.null(RecordError("unexpected_shape", "not a text", path), label)


def _updated_at(
    fields: shapes.Fields, created_at: datetime, changes: list[ChangeDraft], reading: Reading
) -> datetime:
    """Return when the item was updated; without it the time of its newest change or creation."""
    path = "fields.updated"
    updated_at = optional_moment(fields.updated, path, reading)
    if updated_at is not None:
        return updated_at
    if fields.updated is None or fields.updated == "":
        detail = "taken from the newest change, or else from the creation"
        reading.null(RecordError("missing_field", detail, path))
    return max([change.changed_at for change in changes], default=created_at)


def _custom_fields(body: bytes, reading: Reading) -> tuple[dict[str, Any], Parts]:
    """Return every custom field that has a value: as decoded JSON, and as it stands."""
    parts = {
        name: raw
        for name, raw in reading.part(body, shapes.ALL_FIELDS).fields.items()
        if raw != _NULL and name.startswith(_CUSTOM)
    }
    decode = shapes.ANY.decode
    try:
        return {name: decode(raw) for name, raw in parts.items()}, parts
    except UNREADABLE:
        pass  # read again, to mend it or to say what is wrong
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
    sprints.add_member("fields.sprint", fields.sprint)
    for number, sprint in enumerate(fields.closed_sprints or ()):
        sprints.add_member(f"fields.closedSprints[{number}]", sprint)
    for name, value in values.items():
        named = settings.sprint_field
        if name == named or (named is None and is_sprint_value(value)):
            sprints.add_field(f"fields.{name}", value, parts[name])
    return sprints.ids(), sprints.drafts()


def _parent(
    fields: shapes.Fields, custom: dict[str, Any], settings: JiraSettings, reading: Reading
) -> tuple[str | None, str | None]:
    """Return id and key of the parent: the parent itself, else the epic, else the epic link."""
    for related, path in ((fields.parent, "fields.parent"), (fields.epic, "fields.epic")):
        if related and (related.id or related.key):
            source_id = reference(related.id, f"{path}.id", reading)
            return source_id, reference(related.key, f"{path}.key", reading)
    link = custom.get(settings.epic_link_field) if settings.epic_link_field else None
    path = f"fields.{settings.epic_link_field}"
    return None, reference(link, path, reading) if isinstance(link, str) else None
