"""The rules of transform: types, statuses, workflows, custom fields, and what they resolve to."""

from mappings.models.change_set import Change, ChangeSet
from mappings.models.custom_field import CustomField, CustomFieldMapping, FieldTarget
from mappings.models.status import Status, StatusMapping, StatusResolution
from mappings.models.work_item_type import Wit, WitHierarchy, WitMapping, WitResolution
from mappings.models.workflow import StepCategory, Workflow, WorkflowStep

__all__ = (
    "Change",
    "ChangeSet",
    "CustomField",
    "CustomFieldMapping",
    "FieldTarget",
    "Status",
    "StatusMapping",
    "StatusResolution",
    "StepCategory",
    "Wit",
    "WitHierarchy",
    "WitMapping",
    "WitResolution",
    "Workflow",
    "WorkflowStep",
)
