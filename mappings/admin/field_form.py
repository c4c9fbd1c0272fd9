"""The form of a rule for a custom field."""

from collections.abc import Iterable
from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.urls import reverse
from django.utils.html import format_html
from unfold.widgets import UnfoldAdminSelectWidget

from common.errors import UsageError
from mappings.admin.rule_form import RuleForm
from mappings.admin.suggest import Suggestion, suggest
from mappings.field_targets import column_name, suggested_column, suggested_target
from mappings.models import CustomField, CustomFieldMapping, FieldTarget

OFFERED: Final = 5000
KEPT: Final = "kept"
"""Choice: the field of the rule as it is, which is not among those that are discovered."""

TARGET_HELP: Final = (
    "Story points are numbers; everything else is a text, and a column keeps lists, too."
)


class FieldSelect(UnfoldAdminSelectWidget):  # type: ignore[misc]
    """A list of fields with a line to search it (`static/etl/custom_fields.js`)."""

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context(name, value, attrs)
        context["widget"]["attrs"]["data-searched"] = "Search by name or id"
        return context


class FieldRuleForm(RuleForm):
    """Which field, and what it is to us. The field says the integration."""

    field = forms.ChoiceField(
        widget=FieldSelect(),
        help_text="Those that the source told of in its last run.",
        error_messages={
            "required": "Choose a field.",
            "invalid_choice": "Choose a field of the list.",
        },
    )

    class Meta:
        labels = {
            "target": "Is",
            "column_name": "Name of the column",
            "position": "Order",
            "is_active": "Active",
        }
        help_texts = {
            "target": TARGET_HELP,
            "column_name": "Letters, digits and _. Several fields may fill one column.",
            "position": "Where several fields are the same, the lowest with a value that fits.",
            "is_active": "An inactive rule gives nothing.",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        suggest(self, "column_name", own_columns)
        self._found: dict[str, CustomField] = {}
        if "field" in self.fields:
            self._offer_fields()

    def _offer_fields(self) -> None:
        rows = CustomField.objects.select_related("integration").order_by(
            "integration__name", "integration_id", "name", "source_id"
        )[:OFFERED]
        self._found = {str(row.pk): row for row in rows}
        choices: list[Any] = [("", "Choose a field…")]
        chosen = self._own_choice()
        if chosen == KEPT:
            choices.append((KEPT, f"{self.instance.field_source_id} (not among those told of)"))
        groups: dict[str, list[tuple[str, str]]] = {}
        for key, row in self._found.items():
            groups.setdefault(str(row.integration), []).append(
                (key, f"{row.name} ({row.source_id})")
            )
        field: Any = self.fields["field"]
        field.choices = [*choices, *groups.items()]
        if self.instance.pk:
            self.initial["field"] = chosen
        elif named := self._found.get(str(self.initial.get("field", ""))):
            self._suggest(named)

    def _own_choice(self) -> str:
        if not self.instance.pk:
            return ""
        own = (self.instance.integration_id, self.instance.field_source_id)
        for key, row in self._found.items():
            if (row.integration_id, row.source_id) == own:
                return key
        return KEPT

    def _suggest(self, named: CustomField) -> None:
        """Begin with what the field most likely is."""
        self.initial.setdefault("target", suggested_target(named) or FieldTarget.COLUMN)
        self.initial.setdefault("column_name", suggested_column(named))

    def clean(self) -> dict[str, Any]:
        values = super().clean()
        if values.get("target") != FieldTarget.COLUMN:
            values["column_name"] = ""
        else:
            try:
                values["column_name"] = column_name(values.get("column_name") or "")
            except UsageError as error:
                text = str(error)
                self.add_error("column_name", f"{text[:1].upper()}{text[1:]}.")
        self._take_field(values.get("field"))
        return values

    def _take_field(self, chosen: str | None) -> None:
        """Set what the choice of a field says on the rule; refuse one that has a rule."""
        row = self._found.get(chosen or "")
        if row is None:
            return
        others = CustomFieldMapping.objects.filter(
            integration=row.integration_id, field_source_id=row.source_id
        ).exclude(pk=self.instance.pk)
        if other := others.first():
            page = reverse("admin:mappings_customfieldmapping_change", args=(other.pk,))
            told = format_html(
                "There is a rule for this field already: "
                '<a class="etl-link" href="{}"><bdi>{}</bdi></a>.',
                page,
                other,
            )
            self.add_error("field", ValidationError(told))
            return
        self.instance.integration = row.integration
        self.instance.field_source_id = row.source_id


def own_columns() -> Iterable[Suggestion]:
    """Return the columns of our own that there are."""
    rows = CustomFieldMapping.objects.exclude(column_name="").order_by("column_name")
    names = rows.values_list("column_name", flat=True).distinct()
    return [Suggestion(name, None, "") for name in names]
