"""An edit that the engine refused, shown at the field or row of the form that it came from."""

from dataclasses import dataclass
from typing import Any, Final

from django.http import HttpRequest
from django.urls import reverse

from common.errors import UsageError
from mappings.checks import RuleError
from mappings.editing import PreparingError
from mappings.undo import EditedSinceError

_KEPT: Final = "_rule_refusal"


@dataclass(frozen=True)
class Refusal:
    """What was refused. row: the number of the form in its formset, None for the main form."""

    message: str
    table: str = ""
    column: str = ""
    row: int | None = None

    @property
    def field(self) -> str:
        """The name of the field: columns of foreign keys end otherwise."""
        return self.column.removesuffix("_id")


def refusal_of(error: UsageError, rows: dict[int, int] | None = None) -> Refusal:
    """Return an error as a refusal. rows: numbers of forms by the id of the row they stored."""
    text = str(error)
    text = text[:1].upper() + text[1:]
    if not isinstance(error, RuleError):
        return Refusal(text)
    row = (rows or {}).get(error.row_id) if error.row_id is not None else None
    return Refusal(text, error.table, error.column, row)


def links_of(error: UsageError) -> list[tuple[str, str]]:
    """Return titles and addresses of what an error speaks of."""
    if isinstance(error, EditedSinceError):
        found = error.later
    elif isinstance(error, PreparingError):
        found = [error.change_set]
    else:
        return []
    return [
        (each.summary, reverse("admin:mappings_changeset_change", args=(each.pk,)))
        for each in found
    ]


def keep_refusal(request: HttpRequest, refusal: Refusal) -> None:
    """Let the forms that this request makes from now on show the refusal."""
    setattr(request, _KEPT, refusal)


def refusal_for(request: HttpRequest) -> Refusal | None:
    """Return what was refused in this request."""
    return getattr(request, _KEPT, None)


def with_refusal(form_class: type[Any], refusal: Refusal | None) -> type[Any]:
    """Return a form or formset class whose instances show the refusal."""
    if refusal is None:
        return form_class
    return type(form_class.__name__, (form_class,), {"refusal": refusal})
