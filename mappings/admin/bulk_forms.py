"""What can be set for many rules at once."""

from typing import Any, Final

from django import forms
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from integrations.models import Integration
from mappings.models import StepCategory, WitHierarchy, WorkflowStep
from mappings.rules import fold

LEAVE: Final = ("", "Leave as it is")
NONE: Final = "none"


def _select(label: str, choices: list[tuple[str, str]], help_text: str = "") -> forms.ChoiceField:
    return forms.ChoiceField(
        label=label,
        choices=[LEAVE, *choices],
        required=False,
        help_text=help_text,
        widget=UnfoldAdminSelectWidget(),
    )


class BulkForm(forms.Form):
    """Sets on each chosen rule what is not left as it is."""

    target = forms.CharField(
        required=False,
        max_length=100,
        help_text="Empty: each rule keeps its own.",
        widget=UnfoldAdminTextInputWidget(attrs={"dir": "auto"}),
    )

    def __init__(self, data: Any = None) -> None:
        super().__init__(data)
        self._rows: dict[str, dict[str, Any]] = {}
        rows = Integration.objects.order_by("name", "pk")
        self.fields["integration"] = _select(
            "Integration",
            [(NONE, "Every integration"), *((str(row.pk), str(row)) for row in rows)],
        )
        self.fields["is_active"] = _select("Active", [("yes", "Active"), ("no", "Inactive")])

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or self.cleaned_data
        if values.get("target") and not fold(values["target"]):
            self.add_error("target", "Give a name that can be seen.")
        if not any(values.values()) and not self.errors:
            raise forms.ValidationError("Choose at least one thing to set.")
        return values

    def found(self, name: str, model: type[Any]) -> Any:
        """Return the row that a select chose, None for none; asked for once."""
        chosen = self.cleaned_data[name]
        if chosen == NONE:
            return None
        if chosen not in self._rows.setdefault(name, {}):
            self._rows[name][chosen] = model.objects.get(pk=chosen)
        return self._rows[name][chosen]

    def set_on(self, row: Any) -> None:
        """Set the chosen values on a rule that is not saved yet."""
        values = self.cleaned_data
        if values["target"]:
            row.target = values["target"]
        if values["is_active"]:
            row.is_active = values["is_active"] == "yes"
        if values["integration"]:
            row.integration = self.found("integration", Integration)


class TypeBulkForm(BulkForm):
    """Of type rules also the level."""

    def __init__(self, data: Any = None) -> None:
        super().__init__(data)
        levels = WitHierarchy.objects.filter(is_active=True).order_by("-level")
        self.fields["hierarchy"] = _select("Level", [(str(row.pk), str(row)) for row in levels])
        self.order_fields(("target", "hierarchy"))

    def set_on(self, row: Any) -> None:
        super().set_on(row)
        if self.cleaned_data["hierarchy"]:
            row.hierarchy = self.found("hierarchy", WitHierarchy)


class StatusBulkForm(BulkForm):
    """Of status rules also step, or category."""

    def __init__(self, data: Any = None) -> None:
        super().__init__(data)
        self.fields["step"] = _select(
            "Step", [(NONE, "Without a step"), *step_choices()], "It says the category, too."
        )
        categories = [(value, str(label)) for value, label in StepCategory.choices]
        self.fields["category"] = _select("Category", categories, "For rules without a step.")
        self.order_fields(("target", "step", "category"))

    def clean(self) -> dict[str, Any]:
        values = super().clean()
        if values.get("category") and values.get("step") not in ("", NONE):
            self.add_error("category", "The step says the category: set one of the two.")
        return values

    def set_on(self, row: Any) -> None:
        super().set_on(row)
        step, category = self.cleaned_data["step"], self.cleaned_data["category"]
        if step:
            row.step = self.found("step", WorkflowStep)
        if category:
            row.step, row.category = None, category


def step_choices(without: tuple[int, ...] = ()) -> list[tuple[str, str]]:
    """Return the steps of active workflows as choices, but for those of `without`."""
    steps = WorkflowStep.objects.filter(workflow__is_active=True).exclude(pk__in=without)
    rows = steps.select_related("workflow").order_by("workflow__name", "workflow_id", "position")
    return [(str(row.pk), f"{row.workflow}: {row.name}") for row in rows]
