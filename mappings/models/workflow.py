"""Workflows: the ordered steps that work passes, one of them the commitment point."""

from django.db import models

from tenants.models import TenantOwned


class StepCategory(models.TextChoices):
    """What happens to work while it stands in a step."""

    TO_DO = "to_do", "To do"
    IN_PROGRESS = "in_progress", "In progress"
    WAITING = "waiting", "Waiting"
    DONE = "done", "Done"
    DISCARDED = "discarded", "Discarded"


class Workflow(TenantOwned):
    """A named sequence of steps. is_active: whether rules may be given steps of it."""

    name = models.CharField(max_length=100)
    is_active = models.BooleanField(default=True, db_default=True)

    class Meta:
        db_table = "workflows"
        constraints = (
            models.UniqueConstraint(fields=("tenant", "name"), name="workflow_name_unique"),
        )

    def __str__(self) -> str:
        return self.name


class WorkflowStep(TenantOwned):
    """A step; `position` orders the steps, null for one outside the order (discarded)."""

    workflow = models.ForeignKey(Workflow, on_delete=models.CASCADE, related_name="steps")
    name = models.CharField(max_length=100)
    position = models.PositiveSmallIntegerField(null=True, blank=True)
    category = models.CharField(max_length=16, choices=StepCategory.choices)
    is_commitment_point = models.BooleanField(default=False)

    class Meta:
        db_table = "workflow_steps"
        ordering = ("workflow", models.F("position").asc(nulls_last=True), "name")
        constraints = (
            models.UniqueConstraint(fields=("workflow", "name"), name="step_name_unique"),
            models.UniqueConstraint(
                fields=("workflow",),
                condition=models.Q(is_commitment_point=True),
                name="one_commitment_point",
            ),
        )

    def __str__(self) -> str:
        return self.name
