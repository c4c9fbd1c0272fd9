"""The steps of a workflow, inside the workflow's form."""

from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.forms.models import BaseInlineFormSet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from unfold.widgets import SELECT_CLASSES, UnfoldAdminIntegerFieldWidget, UnfoldAdminTextInputWidget

from mappings.admin.base import is_tenant_chosen
from mappings.admin.refusal import Refusal, refusal_for, with_refusal
from mappings.models import WorkflowStep
from mappings.rules import fold
from tenants.admin import TenantForm, TenantInline
from tenants.permissions import Capability

if TYPE_CHECKING:
    StepFormSet = BaseInlineFormSet[Any, Any, Any]
else:
    StepFormSet = BaseInlineFormSet


class CommitmentRadio(forms.CheckboxInput):
    """One of the buttons of a group that runs over all forms of the set: one can be chosen."""

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        """Return the button; its group is the formset's, its value this form."""
        row = name.rpartition("-")[0]
        return format_html(
            '<input type="radio" class="mp-radio" name="{}" value="{}" aria-label="Commitment '
            'point"{}>',
            _group_of(row),
            row,
            mark_safe(" checked") if self.check_test(value) else "",
        )

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        """Whether this form's button was chosen; also understands a tick at each form."""
        prefix = name.rpartition("-")[0]
        group = _group_of(prefix)
        if group in data:
            return data[group] == prefix
        return super().value_from_datadict(data, files, name)

    def value_omitted_from_data(self, data: Any, files: Any, name: str) -> bool:
        return False


def _group_of(prefix: str) -> str:
    return f"{prefix.rpartition('-')[0]}-commitment"


class StepForm(TenantForm):
    """A step. What steps must be together is looked at when all are known (`mappings.checks`)."""

    class Meta:
        widgets = {
            "name": UnfoldAdminTextInputWidget(attrs={"dir": "auto"}),
            "position": UnfoldAdminIntegerFieldWidget(attrs={"min": 1, "class": "mp-number"}),
            "category": forms.Select(attrs={"class": " ".join(SELECT_CLASSES)}),
            "is_commitment_point": CommitmentRadio(),
        }

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or self.cleaned_data
        if values.get("name") and not fold(values["name"]):
            self.add_error("name", "Give a name that can be seen.")
        return values

    def validate_unique(self) -> None:
        """Leave it to the checks of all steps: two may take each other's names."""

    def validate_constraints(self) -> None:
        """Leave it to the checks of all steps: the commitment point moves from one to another."""


class StepsFormSet(StepFormSet):
    """All steps of a workflow. refusal: what the engine refused of the same input before."""

    refusal: ClassVar[Refusal | None] = None

    def validate_unique(self) -> None:
        """Leave it to the checks of all steps."""

    def full_clean(self) -> None:
        super().full_clean()
        refusal = self.refusal
        if refusal is None or refusal.table != WorkflowStep._meta.db_table:
            return
        forms_: list[Any] = list(self.forms)
        place = refusal.row if refusal.row is not None and refusal.row < len(forms_) else None
        if place is not None and refusal.field in forms_[place].fields:
            forms_[place].add_error(refusal.field, refusal.message)
            return
        self._non_form_errors.append(refusal.message)  # type: ignore[attr-defined]


class WorkflowStepInline(TenantInline):
    """The steps of a workflow."""

    capability = Capability.EDIT_MAPPINGS
    model = WorkflowStep
    form = StepForm
    formset = StepsFormSet
    template = "mappings/steps.html"
    fields = ("position", "name", "category", "is_commitment_point")
    show_change_link = False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_tenant_chosen(request) and super().has_change_permission(request, obj)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_tenant_chosen(request) and super().has_add_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_tenant_chosen(request) and super().has_delete_permission(request, obj)

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> type[Any]:
        formset = super().get_formset(request, obj, **kwargs)
        return with_refusal(formset, refusal_for(request))
