"""The shapes of Jira's answers that are read; everything else in them is passed over.

Members are optional even where Jira always gives them, so that what is missing can be named by
its place. Where a value may be wrong in a way of its own it is left open (`Any`, `Raw`); any other
value of a wrong type is null if `needed` does not name its member (`loose.py`).
"""

from typing import Annotated, Any, ClassVar, Final, TypeAlias

import msgspec

Identity: TypeAlias = str | int | None
Moment: TypeAlias = str | int | float | None
Level: TypeAlias = Annotated[int, msgspec.Meta(ge=-32_767, le=32_767)]

ABSENT: Final = msgspec.Raw()


class Shape(msgspec.Struct, rename="camel", gc=False):
    """Base: snake case here is camel case there.

    needed: the members, by their names there, without which the whole is refused.
    """

    needed: ClassVar[frozenset[str]] = frozenset()


class Named(Shape, gc=False):
    """Anything with a name: a priority, a resolution."""

    name: str | None = None


class Category(Shape, gc=False):
    """A status category; its key is new, indeterminate, done or undefined."""

    key: str | None = None


class ScopeProject(Shape, gc=False):
    """The project that an entity belongs to."""

    id: Identity = None


class Scope(Shape, gc=False):
    """Where an entity of a team-managed project is valid."""

    project: ScopeProject | None = None


class Status(Shape, gc=False):
    """A status, listed or embedded."""

    needed: ClassVar[frozenset[str]] = frozenset({"id", "name"})
    id: Identity = None
    name: str | None = None
    untranslated_name: str | None = None
    status_category: Category | str | None = None
    scope: Scope | None = None


class IssueType(Shape, gc=False):
    """A work item type, listed or embedded."""

    needed: ClassVar[frozenset[str]] = frozenset({"id", "name"})
    id: Identity = None
    name: str | None = None
    untranslated_name: str | None = None
    subtask: bool | None = None
    hierarchy_level: Level | None = None


class Project(Shape, gc=False):
    """A project, listed or embedded."""

    needed: ClassVar[frozenset[str]] = frozenset({"id", "key"})
    id: Identity = None
    key: str | None = None
    name: str | None = None
    project_type_key: str | None = None


class Person(Shape, gc=False):
    """A user: of Cloud by accountId, of Data Center by key and name."""

    account_id: str | None = None
    key: str | None = None
    name: str | None = None
    display_name: str | None = None
    email_address: str | None = None
    account_type: str | None = None
    active: bool | None = None


class Sprint(Shape, gc=False):
    """A sprint: listed (originBoardId), of the agile API, or of the sprint field (boardId)."""

    needed: ClassVar[frozenset[str]] = frozenset({"id", "name"})
    id: Identity = None
    name: str | None = None
    state: str | None = None
    goal: str | None = None
    origin_board_id: Identity = None
    board_id: Identity = None
    start_date: Any = None
    end_date: Any = None
    complete_date: Any = None


class FieldSchema(Shape, gc=False):
    """The type of a field; `custom` is the key of a custom field's type."""

    type: str | None = None
    custom: str | None = None


class Field(Shape, gc=False):
    """A field of the site, a system field or a custom field."""

    needed: ClassVar[frozenset[str]] = frozenset({"id", "name"})
    id: str | None = None
    key: str | None = None
    name: str | None = None
    custom: bool | None = None
    schema: FieldSchema | None = None


class Related(Shape, gc=False):
    """A parent or an epic."""

    id: Identity = None
    key: str | None = None


class Fields(Shape, gc=False):
    """The fields of an issue that have a column of their own; embedded copies are kept raw."""

    needed: ClassVar[frozenset[str]] = frozenset({"summary", "created"})
    summary: str | None = None
    description: msgspec.Raw = ABSENT
    project: msgspec.Raw = ABSENT
    issuetype: msgspec.Raw = ABSENT
    status: msgspec.Raw = ABSENT
    priority: Named | None = None
    resolution: Named | None = None
    assignee: msgspec.Raw = ABSENT
    reporter: msgspec.Raw = ABSENT
    creator: msgspec.Raw = ABSENT
    parent: Related | None = None
    epic: Related | None = None
    labels: list[Any] | None = None
    sprint: Any = None
    closed_sprints: list[Any] | None = None
    created: Moment = None
    updated: Any = None
    resolutiondate: Any = None
    duedate: Any = None


class Changelog(Shape, gc=False):
    """The embedded histories; each is decoded by itself, so that a bad one costs only itself."""

    histories: list[msgspec.Raw] | None = None
    total: int | None = None
    start_at: int | None = None
    max_results: int | None = None
    is_last: bool | None = None


class IssueHistories(Shape, gc=False):
    """Histories of an issue that were asked for by themselves; more of them may be elsewhere."""

    needed: ClassVar[frozenset[str]] = frozenset({"issueId", "changeHistories"})
    issue_id: Identity = None
    change_histories: list[msgspec.Raw] | None = None


class Issue(Shape, gc=False):
    """An issue of any API version."""

    needed: ClassVar[frozenset[str]] = frozenset({"id", "key", "fields"})
    id: Identity = None
    key: str | None = None
    fields: Fields | None = None
    changelog: Changelog | None = None


class AllFields(Shape, gc=False):
    """The same issue, for its custom fields."""

    needed: ClassVar[frozenset[str]] = frozenset({"fields"})
    fields: dict[str, msgspec.Raw]


class Item(Shape, gc=False):
    """One change of a history. from, to: ids; from_string, to_string: what a reader sees."""

    needed: ClassVar[frozenset[str]] = frozenset({"field", "fieldId", "fieldtype", "from", "to"})
    field: str | None = None
    field_id: str | None = None
    fieldtype: str | None = None
    from_: str | int | float | None = msgspec.field(default=None, name="from")
    from_string: str | None = None
    to: str | int | float | None = None
    to_string: str | None = None


class HistoryHead(Shape, gc=False):
    """A history without its items."""

    needed: ClassVar[frozenset[str]] = frozenset({"id", "created", "items"})
    id: Identity = None
    author: msgspec.Raw = ABSENT
    created: Moment = None


class History(HistoryHead, gc=False):
    """What one person changed at one moment. An item that was left out is None."""

    items: list[Item | None] | None = None


class RawItems(Shape, gc=False):
    """The items of a history, each to be decoded by itself."""

    items: list[msgspec.Raw]


ISSUE: Final = msgspec.json.Decoder(Issue)
ALL_FIELDS: Final = msgspec.json.Decoder(AllFields)
HISTORY: Final = msgspec.json.Decoder(History)
HISTORY_HEAD: Final = msgspec.json.Decoder(HistoryHead)
ITEM: Final = msgspec.json.Decoder(Item)
RAW_ITEMS: Final = msgspec.json.Decoder(RawItems)
ISSUE_HISTORIES: Final = msgspec.json.Decoder(IssueHistories)
PROJECT: Final = msgspec.json.Decoder(Project)
ISSUE_TYPE: Final = msgspec.json.Decoder(IssueType)
STATUS: Final = msgspec.json.Decoder(Status)
FIELD: Final = msgspec.json.Decoder(Field)
PERSON: Final = msgspec.json.Decoder(Person)
SPRINT: Final = msgspec.json.Decoder(Sprint)
TEXT: Final = msgspec.json.Decoder(str)
ANY: Final[msgspec.json.Decoder[Any]] = msgspec.json.Decoder()
