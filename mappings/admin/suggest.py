"""Names that occur, offered while a person types: those of the tenant in scope only."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, NamedTuple, TypeAlias

from django import forms
from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.widgets import UnfoldAdminTextInputWidget

from integrations.models import Integration
from mappings.effects import effects
from mappings.models import Status, Wit

SHOWN: Final = 1000


class Suggestion(NamedTuple):
    """A value that occurs. integration_id: where; label: what tells it from others alike."""

    value: str
    integration_id: int | None
    label: str


Suggestions: TypeAlias = Callable[[], Iterable[Suggestion]]


class SuggestedInput(UnfoldAdminTextInputWidget):  # type: ignore[misc]
    """A line of text with suggestions; `static/etl/mappings.js` narrows them by integration."""

    suggestions: Suggestions | None = None

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context(name, value, attrs)
        own = context["widget"]["attrs"]
        own.update({"list": f"{own.get('id', name)}_list", "dir": "auto", "autocomplete": "off"})
        return context

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        """Return the input and its suggestions; forms look for templates in apps only."""
        found = list(self.suggestions()) if self.suggestions else []
        key = f"{self.build_attrs(self.attrs, attrs).get('id', name)}_list"
        shown = {"list": key, "suggestions": found}
        datalist = render_to_string("mappings/suggestions.html", shown)
        return format_html("{}{}", super().render(name, value, attrs, renderer), datalist)


def suggest(form: forms.BaseForm, field: str, suggestions: Suggestions) -> None:
    """Let a field of a form offer suggestions, if the form has it as an input."""
    if field in form.fields:
        widget: Any = SuggestedInput()
        widget.suggestions = suggestions
        form.fields[field].widget = widget


def type_names() -> list[Suggestion]:
    """Return the names of types that sources have."""
    return _named(Wit, "name")


def status_names() -> list[Suggestion]:
    """Return the names of statuses that sources have."""
    return _named(Status, "name")


def status_categories() -> list[Suggestion]:
    """Return the categories that sources give their statuses."""
    return _named(Status, "category")


def _named(model: type[Wit] | type[Status], column: str) -> list[Suggestion]:
    rows = (
        model.objects.exclude(**{column: None})
        .order_by(column, "integration__name", "integration_id")
        .values_list(column, "integration_id", "integration__name")
        .distinct()[:SHOWN]
    )
    return [Suggestion(*row) for row in rows]


def project_keys() -> list[Suggestion]:
    """Return the keys of projects that are loaded. A query an integration."""
    found = []
    for integration in Integration.objects.order_by("name", "pk"):
        keys = effects().project_keys(integration.tenant_id, integration.pk)
        names: Sequence[str] = sorted(key for key in keys.values() if key)
        found += [Suggestion(key, integration.pk, str(integration)) for key in names]
    return found[:SHOWN]
