"""Workflows with their steps."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from mappings import editing
from mappings.admin.bulk import BulkMappingAdmin
from mappings.admin.bulk_forms import NONE, step_choices
from mappings.admin.confirm import Confirmation, Group, Move, MoveForm, answer_confirmation, posted
from mappings.admin.rule_form import RuleForm
from mappings.admin.steps import WorkflowStepInline
from mappings.dependants import Dependants, rules_on_steps
from mappings.models import ChangeSet, Workflow, WorkflowStep
from mappings.rules import fold
from mappings.services import delete_step, delete_workflow, move_to_step, write_steps


class WorkflowForm(RuleForm):
    """A workflow: its name; the steps are an inline."""

    inline_tables = ("workflow_steps",)


@admin.register(Workflow)
class WorkflowAdmin(BulkMappingAdmin):
    """Workflows with their steps."""

    form = WorkflowForm
    list_intro = (
        "The steps that work passes. Time begins to count at the commitment point, the step "
        "with the flag."
    )
    list_display = ("name", "picture", "rules", "items", "is_active")
    list_filter = ("is_active",)
    text_search = ("name",)
    ordering = ("name",)
    fields = ("name",)
    inlines = (WorkflowStepInline,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).prefetch_related("steps")

    @admin.display(description="Steps")
    def picture(self, row: Workflow) -> SafeString:
        return render_to_string("mappings/workflow_picture.html", {"steps": row.steps.all()})

    @admin.display(description="Status rules")
    def rules(self, row: Any) -> SafeString:
        if not hasattr(row, "use"):
            return format_html('<span class="etl-subtle">{}</span>', "–")
        page = reverse("admin:mappings_statusmapping_changelist")
        link = f"{page}?step__workflow__id__exact={row.pk}"
        return format_html('<a class="etl-link" href="{}">{}</a>', link, f"{row.use.count:,}")

    @admin.display(description="Items")
    def items(self, row: Any) -> SafeString:
        shown = f"{row.use.items:,}" if hasattr(row, "use") else "–"
        return format_html('<span class="etl-number">{}</span>', shown)

    def add_uses(self, rows: Sequence[Any]) -> None:
        steps = {step.pk: row for row in rows for step in row.steps.all()}
        uses = rules_on_steps(rows[0].tenant_id, steps) if rows else {}
        for row in rows:
            own = [uses[key] for key, workflow in steps.items() if workflow is row and key in uses]
            row.use = Dependants(sum(use.count for use in own), sum(use.items for use in own))

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.delete_step_view)
        page = "<path:object_id>/steps/<int:step_id>/delete/"
        return [path(page, view, name="mappings_workflow_delete_step"), *super().get_urls()]

    def form_context(self, request: HttpRequest, obj: Any) -> dict[str, Any]:
        steps = list(obj.steps.all())
        uses = rules_on_steps(obj.tenant_id, [step.pk for step in steps])
        return {"step_uses": [(step, uses.get(step.pk)) for step in steps], "steps": steps}

    # Writing.

    def rows_of(self, obj: Any) -> list[tuple[str, int]]:
        steps = WorkflowStep.objects.filter(workflow_id=obj.pk).values_list("pk", flat=True)
        return [*super().rows_of(obj), *(("workflow_steps", pk) for pk in steps)]

    def store(self, obj: Any, form: Any, formsets: Sequence[Any]) -> Mapping[int, int]:
        obj.save()
        kept: dict[int, WorkflowStep] = {}
        gone = []
        for formset in formsets:
            for number, each in enumerate(formset.forms):
                if each in formset.deleted_forms:
                    if each.instance.pk is not None:
                        gone.append(each.instance.pk)
                elif each.instance.pk is not None or each.has_changed():
                    kept[number] = each.instance
        write_steps(obj, list(kept.values()), gone)
        return {step.pk: number for number, step in kept.items()}

    # Deleting and deactivating.

    def groups_of(self, tenant_id: int, rows: Sequence[Any]) -> list[Group]:
        steps = [step for row in rows for step in row.steps.all()]
        return _groups(tenant_id, steps)

    def moves_of(self, tenant_id: int, rows: Sequence[Any]) -> list[Move]:
        return _moves(tenant_id, [step for row in rows for step in row.steps.all()])

    def remove(self, tenant_id: int, rows: Sequence[Any], targets: dict[int, str]) -> None:
        _move(tenant_id, targets)
        for row in rows:
            delete_workflow(row)

    def set_active(
        self, tenant_id: int, rows: Sequence[Any], is_active: bool, targets: dict[int, str]
    ) -> None:
        _move(tenant_id, targets)
        Workflow.objects.filter(pk__in=[row.pk for row in rows]).update(is_active=is_active)

    def delete_step_view(self, request: HttpRequest, object_id: str, step_id: int) -> HttpResponse:
        """Ask where the rules of a step go, and delete it; the others close its gap."""
        if not self.has_change_permission(request):
            raise PermissionDenied
        workflow = self.object_or_404(request, object_id)
        step = next((each for each in workflow.steps.all() if each.pk == step_id), None)
        if step is None:
            raise Http404
        tenant_id = workflow.tenant_id
        moves = _moves(tenant_id, [step])
        form = MoveForm(posted(request), moves, is_required=True) if moves else None

        def edit() -> None:
            _move(tenant_id, form.targets if form else {})
            delete_step(step)

        here = self.page_url("change", workflow.pk)
        asked = Confirmation(
            title=f"Delete step {step.name}",
            button="Delete this step",
            back=here,
            preview=lambda: editing.preview(tenant_id, edit),
            apply=lambda: self.apply(request, tenant_id, edit, ChangeSet.Origin.FORM),
            form=form,
            groups=_groups(tenant_id, [step]),
            is_danger=True,
            trail=[("Workflows", self.page_url("changelist")), (str(workflow), here)],
        )
        return answer_confirmation(request, asked)


def _groups(tenant_id: int, steps: Sequence[WorkflowStep]) -> list[Group]:
    uses = rules_on_steps(tenant_id, [step.pk for step in steps])
    page = reverse("admin:mappings_statusmapping_changelist")
    return [
        Group(
            f"status rule{'' if use.count == 1 else 's'} of step {step.name}",
            use.count,
            use.items,
            f"{page}?step__id__exact={step.pk}",
            use.labels,
        )
        for step in steps
        if (use := uses.get(step.pk)) is not None
    ]


def _moves(tenant_id: int, steps: Sequence[WorkflowStep]) -> list[Move]:
    uses = rules_on_steps(tenant_id, [step.pk for step in steps])
    used = [step for step in steps if step.pk in uses]
    if not used:
        return []
    choices = step_choices(tuple(step.pk for step in steps))
    without = (NONE, "No step: they keep their category")
    by_name = {fold(label.partition(": ")[2]): key for key, label in choices}
    return [
        Move(
            step.pk,
            f"Move the {uses[step.pk].count:,} rule{'' if uses[step.pk].count == 1 else 's'} of "
            f"step {step.name} to",
            [*choices, without],
            initial=by_name.get(fold(step.name), ""),
        )
        for step in used
    ]


def _move(tenant_id: int, targets: dict[int, str]) -> None:
    for step_id, chosen in targets.items():
        target = None
        if chosen != NONE:
            target = WorkflowStep.objects.get(tenant_id=tenant_id, pk=int(chosen))
        move_to_step(tenant_id, step_id, target)
