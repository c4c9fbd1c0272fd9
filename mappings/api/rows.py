"""Rules as they are in bodies: what is read can be sent back."""

from typing import Any, Final

from rest_framework import serializers

from common.errors import UsageError
from integrations.models import Integration
from mappings.api.fields import LEVELS, Matched, Name, Reference, check_length
from mappings.field_targets import NAME_LENGTH, column_name
from mappings.models import (
    FieldTarget,
    StatusMapping,
    StepCategory,
    WitHierarchy,
    WitMapping,
    WorkflowStep,
)
from tenants.api.fields import Flag, IntegerField, Serializer, Text

MOST_STEPS: Final = 200


def _integrations() -> Any:
    return Integration.objects.all()


def _levels() -> Any:
    return WitHierarchy.objects.all()


def _steps() -> Any:
    return WorkflowStep.objects.select_related("workflow")


class RuleRow(Serializer):
    """Base of all rows of rules. In the context, where one is written: `row`, the row as it is
    stored, and `posted`, the names of the members that were sent."""

    id = IntegerField(read_only=True)

    @property
    def posted(self) -> set[str]:
        """The names of the members that were sent; others keep what they are."""
        names: set[str] = self.context.get("posted", set())
        return names

    @property
    def stored(self) -> Any:
        """The row as it is stored, None of a new one."""
        return self.context.get("row")


class WitHierarchyRow(RuleRow):
    """A level of the hierarchy: higher ones contain lower ones."""

    level = IntegerField(
        min_value=LEVELS[0],
        max_value=LEVELS[1],
        help_text="1 epics, 0 stories, -1 sub-tasks.",
    )
    name = Name(max_length=100)
    is_active = Flag(default=True, help_text="Whether rules may be given it.")


class WitMappingRow(RuleRow):
    """A rule for types: it matches by exactly one of from_name and from_level."""

    integration = Reference(
        _integrations,
        allow_null=True,
        default=None,
        help_text="null: for every integration.",
    )
    project_key = Matched(is_folded=False, help_text="Empty: for every project.")
    from_name = Matched(help_text="As the source calls it; capitals and spaces do not matter.")
    from_level = IntegerField(
        min_value=LEVELS[0],
        max_value=LEVELS[1],
        allow_null=True,
        default=None,
        help_text="Instead of a name: the level that the source gives.",
    )
    target = Name(max_length=100, help_text="The type of your own taxonomy.")
    hierarchy = Reference(_levels, help_text="The level.")
    is_active = Flag(default=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Check what is matched, and that the level is offered."""
        if bool(attrs["from_name"]) == (attrs["from_level"] is not None):
            raise serializers.ValidationError(
                {"from_name": "Give a name or a source level, and not both."}
            )
        check_length(attrs, ("project_key", "from_name"))
        level: WitHierarchy = attrs["hierarchy"]
        stored: WitMapping | None = self.stored
        if not level.is_active and (stored is None or stored.hierarchy_id != level.pk):
            raise serializers.ValidationError(
                {"hierarchy": f"Level {level} is not active: no other rule may be given it."}
            )
        return attrs


class StatusMappingRow(RuleRow):
    """A rule for statuses: it matches by exactly one of from_name and from_category."""

    integration = Reference(
        _integrations,
        allow_null=True,
        default=None,
        help_text="null: for every integration.",
    )
    project_key = Matched(is_folded=False, help_text="Empty: for every project.")
    type_name = Matched(help_text="The source's name of a type; empty: for every type.")
    from_name = Matched(help_text="As the source calls it; capitals and spaces do not matter.")
    from_category = Matched(help_text="Instead of a name: the source's own category.")
    target = Name(max_length=100, help_text="The status of your own taxonomy.")
    step = Reference(
        _steps,
        allow_null=True,
        default=None,
        help_text="The step of a workflow, which says the category.",
    )
    category = serializers.ChoiceField(
        StepCategory.choices, required=False, help_text="Needed where there is no step."
    )
    is_active = Flag(default=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Check what is matched, that the step is offered, and what says the category."""
        if bool(attrs["from_name"]) == bool(attrs["from_category"]):
            raise serializers.ValidationError(
                {"from_name": "Give a name or a source category, and not both."}
            )
        names = ("project_key", "type_name", "from_name", "from_category")
        check_length(attrs, names)
        self._check_step(attrs)
        return attrs

    def _check_step(self, attrs: dict[str, Any]) -> None:
        step: WorkflowStep | None = attrs["step"]
        if step is None:
            if "category" not in attrs:
                raise serializers.ValidationError(
                    {"category": "Give a category, or a step, which has one."}
                )
            return
        stored: StatusMapping | None = self.stored
        if not step.workflow.is_active and (stored is None or stored.step_id != step.pk):
            raise serializers.ValidationError(
                {
                    "step": f"Workflow {step.workflow} is not active: no other rule may have its "
                    "steps."
                }
            )
        if "category" in self.posted and attrs.get("category", step.category) != step.category:
            raise serializers.ValidationError(
                {
                    "category": f"The step says the category, {step.category}: leave it out, or "
                    "set the step to null."
                }
            )
        attrs["category"] = step.category


class CustomFieldMappingRow(RuleRow):
    """A rule: this custom field of an integration is our target."""

    integration = Reference(_integrations)
    field_source_id = Text(max_length=200, help_text="The field's id at the source.")
    target = serializers.ChoiceField(FieldTarget.choices)
    column_name = Text(
        max_length=NAME_LENGTH,
        allow_blank=True,
        default="",
        help_text="Of a column of your own: letters, digits and _. Empty for other targets.",
    )
    position = IntegerField(
        min_value=0,
        max_value=LEVELS[1],
        default=0,
        help_text="Where several fields have one target, the lowest with a value is taken.",
    )
    is_active = Flag(default=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Check the name of a column, which only a column has."""
        name = attrs["column_name"]
        if attrs["target"] == FieldTarget.COLUMN:
            try:
                attrs["column_name"] = column_name(name)
            except UsageError as error:
                text = str(error)
                raise serializers.ValidationError(
                    {"column_name": f"{text[:1].upper()}{text[1:]}."}
                ) from None
        elif name and "column_name" in self.posted:
            raise serializers.ValidationError(
                {"column_name": "Only where the target is “column” is there a column to name."}
            )
        else:
            attrs["column_name"] = ""
        return attrs


class WorkflowStepRow(Serializer):
    """A step of a workflow, in its place. Steps with an id keep it, others are new."""

    id = IntegerField(required=False)
    name = Name(max_length=100)
    category = serializers.ChoiceField(StepCategory.choices)
    is_commitment_point = Flag(default=False, help_text="Exactly one step is it.")
    is_outside_order = Flag(
        default=False, help_text="Such as discarded: nothing comes before or after it."
    )

    def to_representation(self, instance: Any) -> Any:
        """Show a stored step."""
        return {
            "id": instance.pk,
            "name": instance.name,
            "category": instance.category,
            "is_commitment_point": instance.is_commitment_point,
            "is_outside_order": instance.position is None,
        }


class StepMove(Serializer):
    """Where the rules of a step go that is no more."""

    step = IntegerField(help_text="A step that is not among the steps any more.")
    to = Reference(
        _steps,
        allow_null=True,
        help_text="The step that its rules are given; null: none, they keep their category.",
    )


class WorkflowRow(RuleRow):
    """A workflow with its steps in their order."""

    name = Name(max_length=100)
    is_active = Flag(default=True, help_text="Whether rules may be given its steps.")
    steps = WorkflowStepRow(many=True, max_length=MOST_STEPS)  # type: ignore[call-arg]
    moves = StepMove(  # type: ignore[call-arg]
        many=True,
        required=False,
        write_only=True,
        max_length=MOST_STEPS,
        help_text="Where the rules of steps go that are left out.",
    )


class WorkflowStepShown(Serializer):
    """A step. position: from 1, null of one outside the order."""

    id = IntegerField()
    workflow = IntegerField(source="workflow_id")
    name = serializers.CharField()
    position = IntegerField(allow_null=True)
    category = serializers.ChoiceField(StepCategory.choices)
    is_commitment_point = serializers.BooleanField()
