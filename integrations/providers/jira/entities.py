"""Projects, types, statuses and custom fields → drafts, listed or embedded."""

from common.errors import RecordError
from integrations.contract import CustomFieldDraft, ProjectDraft, StatusDraft, TypeDraft

from .shapes import Category, Field, IssueType, Project, Status
from .values import identity


def project_draft(project: Project, authority: int) -> ProjectDraft:
    """Return the draft of a project; raise RecordError without an id or a key."""
    return ProjectDraft(
        source_id=identity(project.id, "id"),
        key=identity(project.key, "key"),
        name=project.name,
        kind=project.project_type_key,
        authority=authority,
    )


def type_draft(type_: IssueType, authority: int) -> TypeDraft:
    """Return the draft of a work item type; raise RecordError without an id or a name."""
    return TypeDraft(
        source_id=identity(type_.id, "id"),
        name=required(type_.name, "name"),
        untranslated_name=type_.untranslated_name,
        level=type_.hierarchy_level,
        is_subtask=type_.subtask,
        authority=authority,
    )


def status_draft(status: Status, authority: int) -> StatusDraft:
    """Return the draft of a status; raise RecordError without an id or a name."""
    project = status.scope.project if status.scope else None
    owner = project.id if project and project.id else None
    return StatusDraft(
        source_id=identity(status.id, "id"),
        name=required(status.name, "name"),
        untranslated_name=status.untranslated_name,
        category=_category(status.status_category),
        project_source_id=identity(owner, "scope.project.id") if owner else None,
        authority=authority,
    )


def _category(category: Category | str | None) -> str | None:
    """Return the category's key; a search of statuses gives it as TO_DO, IN_PROGRESS, DONE."""
    if isinstance(category, str):
        return {"TO_DO": "new", "IN_PROGRESS": "indeterminate", "DONE": "done"}.get(category)
    return category.key or None if category else None


def custom_field_draft(field: Field, authority: int) -> CustomFieldDraft:
    """Return the draft of a custom field; raise RecordError without an id or a name."""
    return CustomFieldDraft(
        source_id=identity(field.id, "id"),
        name=required(field.name, "name"),
        value_type=field.schema.type if field.schema else None,
        schema=field.schema.custom if field.schema else None,
        authority=authority,
    )


def required(value: str | None, path: str) -> str:
    """Return the text; raise RecordError (`missing_field`) if it is absent or empty."""
    if not value:
        raise RecordError("missing_field", "the record cannot be kept without it", path)
    return value
