"""What a custom field most likely is to us, and what columns of our own may be called."""

import re
from typing import Final

from common.errors import UsageError
from mappings.models import CustomField, CustomFieldMapping, FieldTarget
from mappings.rules import fold

NAME_LENGTH: Final = 63
_NAME: Final = re.compile(r"\w{1,63}")
_BETWEEN: Final = re.compile(r"[\s\-]+")
_TAKEN: Final = tuple(str(target.value) for target in FieldTarget if target != FieldTarget.COLUMN)
_SCHEMAS: Final = {
    "gh-sprint": FieldTarget.SPRINT,
    "gh-epic-link": FieldTarget.EPIC_LINK,
    "jsw-story-points": FieldTarget.STORY_POINTS,
    "atlassian-team": FieldTarget.TEAM,
    "rm-teams-custom-field-team": FieldTarget.TEAM,
}
_NAMES: Final = {
    "story points": FieldTarget.STORY_POINTS,
    "story point estimate": FieldTarget.STORY_POINTS,
    "sprint": FieldTarget.SPRINT,
    "epic link": FieldTarget.EPIC_LINK,
    "team": FieldTarget.TEAM,
}


def suggested_target(field: CustomField) -> FieldTarget | None:
    """Return what a field says of itself by its type, or else by its name."""
    kind = (field.schema or "").rpartition(":")[2]
    return _SCHEMAS.get(kind) or _NAMES.get(fold(field.name))


def column_name(text: str) -> str:
    """Return the name of a column as it is kept: in small letters, with _ for spaces.

    Raises UsageError saying what is wrong with it.
    """
    name = _BETWEEN.sub("_", fold(text))
    if not name:
        raise UsageError("give the column a name")
    if len(name) > NAME_LENGTH:
        raise UsageError(f"at most {NAME_LENGTH} characters; it has {len(name)}")
    if not _NAME.fullmatch(name):
        wrong = next(sign for sign in name if not _NAME.fullmatch(sign))
        told = f"“{wrong}”" if wrong.isprintable() else f"the unseen U+{ord(wrong):04X}"
        raise UsageError(f"letters, digits and _ only, not {told}")
    if name in _TAKEN:
        raise UsageError(f"“{name}” is not a column of your own: choose it as what the field is")
    return name


def suggested_column(field: CustomField) -> str:
    """Return a name for a column from that of a field; empty if it gives none."""
    letters = re.sub(r"\W+", "_", fold(field.name)).strip("_")[:NAME_LENGTH]
    try:
        return column_name(letters)
    except UsageError:
        return ""


def save_field_rule(rule: CustomFieldMapping) -> CustomFieldMapping:
    """Store a rule for a custom field; raise UsageError if it cannot be."""
    ready_field_rule(rule).save()
    return rule


def ready_field_rule(rule: CustomFieldMapping) -> CustomFieldMapping:
    """Make the names of a rule that is to be stored what they are kept as; raise UsageError."""
    rule.field_source_id = rule.field_source_id.strip()
    if not rule.field_source_id:
        raise UsageError("say which custom field the rule is for")
    is_column = rule.target == FieldTarget.COLUMN
    rule.column_name = column_name(rule.column_name) if is_column else ""
    if rule.integration.tenant_id != rule.tenant_id:
        raise UsageError(f"there is no integration {rule.integration_id}")
    return rule
