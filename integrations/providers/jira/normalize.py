"""One record of any stream → drafts. Pure: bytes in, drafts out."""

from collections.abc import Callable
from typing import Final

from common.errors import RecordError
from integrations.contract import LISTED, Draft, Normalized, Record

from . import shapes
from .entities import custom_field_draft, project_draft, status_draft, type_draft
from .histories import normalize_histories
from .issues import normalize_issue
from .people import account_draft
from .settings import JiraSettings
from .sprints import sprint_draft
from .values import Reading


def _project(body: bytes, reading: Reading) -> Draft:
    return project_draft(reading.whole(body, shapes.PROJECT)[0], LISTED)


def _type(body: bytes, reading: Reading) -> Draft:
    return type_draft(reading.whole(body, shapes.ISSUE_TYPE)[0], LISTED)


def _status(body: bytes, reading: Reading) -> Draft:
    return status_draft(reading.whole(body, shapes.STATUS)[0], LISTED)


def _field(body: bytes, reading: Reading) -> Draft | None:
    field = reading.whole(body, shapes.FIELD)[0]
    is_custom = field.custom or (field.id or "").startswith("customfield_")
    return custom_field_draft(field, LISTED) if is_custom or not field.id else None


def _user(body: bytes, reading: Reading) -> Draft:
    account = account_draft(reading.whole(body, shapes.PERSON)[0], LISTED)
    if account is None:
        raise RecordError("missing_field", "an account without an id", "accountId")
    return account


def _sprint(body: bytes, reading: Reading) -> Draft:
    return sprint_draft(reading.whole(body, shapes.SPRINT)[0], "", LISTED, reading)


_ENTITIES: Final[dict[str, Callable[[bytes, Reading], Draft | None]]] = {
    "projects": _project,
    "issue_types": _type,
    "statuses": _status,
    "fields": _field,
    "users": _user,
    "sprints": _sprint,
}


def normalize(stream: str, record: Record, settings: JiraSettings) -> Normalized:
    """Turn one record of a stream into drafts; raise RecordError if it cannot be understood.

    A system field becomes no draft: it has a column of its own.
    """
    if stream == "issues":
        return normalize_issue(record, settings)
    reading = Reading(record.position)
    if stream == "changelogs":
        return Normalized(normalize_histories(record.body, reading), reading.all_problems())
    draft = _ENTITIES[stream](record.body, reading)
    return Normalized([draft] if draft else [], reading.all_problems())
